package house

import (
	"go/ast"
	"go/types"
	"slices"
)

// speaking are the names of imported packages by which library code would
// write somewhere nobody asked it to, or end the process.
var speaking = map[string][]string{
	"fmt": {"Print", "Printf", "Println"},
	"os":  {"Stdout", "Stderr", "Exit"},
}

// checkOutput reports library code that logs, prints or exits: an embedded
// isLibrary reports through its results.
func checkOutput(t *tree) []string {
	var found []string
	for _, u := range t.units() {
		for _, s := range u.files {
			if s.isLibrary() {
				found = append(found, loggers(s)...)
				found = append(found, prints(u, s)...)
			}
		}
	}
	return found
}

// loggers reports imports whose only use is to log.
func loggers(s *source) []string {
	var found []string
	for _, spec := range s.ast.Imports {
		if p := importPath(spec); p == "log" || p == "log/slog" || p == "log/syslog" {
			found = append(found, s.at(spec, "import of %s", p))
		}
	}
	return found
}

// prints reports uses of the speaking names and of the built-in print functions.
func prints(u *unit, s *source) []string {
	var found []string
	imports := s.imports()
	ast.Inspect(s.ast, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.SelectorExpr:
			pkg, ok := node.X.(*ast.Ident)
			if ok && slices.Contains(speaking[imports[pkg.Name]], node.Sel.Name) {
				found = append(found, s.at(node, "%s.%s", pkg.Name, node.Sel.Name))
			}
		case *ast.Ident:
			if builtin(u, node, "print") || builtin(u, node, "println") {
				found = append(found, s.at(node, "%s", node.Name))
			}
		}
		return true
	})
	return found
}

// builtin tells whether an identifier means the built-in function of that name.
func builtin(u *unit, ident *ast.Ident, name string) bool {
	_, ok := u.info.Uses[ident].(*types.Builtin)
	return ok && ident.Name == name
}

var outputExamples = []example{
	{files: map[string]string{
		"txnmgr/a.go":      "package txnmgr\nimport (\"fmt\"; \"io\")\nfunc f(w io.Writer) { fmt.Fprintln(w); _ = fmt.Sprint() }\nfunc g(print func()) { print() }",
		"txnmgr/a_test.go": "package txnmgr\nimport (\"fmt\"; \"log\")\nfunc f() { fmt.Println(); log.Print() }",
		"bench/a.go":       "package main\nimport \"fmt\"\nfunc main() { fmt.Println() }",
	}},
	{
		files: map[string]string{"txnmgr/a.go": "package txnmgr\nimport \"log\"\nimport \"log/slog\"\n"},
		want:  []string{"txnmgr/a.go:2: import of log", "txnmgr/a.go:3: import of log/slog"},
	},
	{
		files: map[string]string{"pool/a.go": "package pool\nimport format \"fmt\"\nimport \"os\"\nfunc f() {\n\tformat.Printf(\"\")\n\tprintln()\n\tformat.Fprint(os.Stderr)\n\tos.Exit(1)\n}"},
		want:  []string{"pool/a.go:5: format.Printf", "pool/a.go:6: println", "pool/a.go:7: os.Stderr", "pool/a.go:8: os.Exit"},
	},
}
