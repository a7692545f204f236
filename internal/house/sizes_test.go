package house

import (
	"fmt"
	"go/ast"
	"strings"
)

// Longest a function may be, in lines from func to the closing brace, and a
// file that is not a test. Tests are read one case at a time; their files may
// be longer, their functions may not.
const (
	maxFunction = 70
	maxFile     = 500
)

// checkFunctionLength reports functions, literals included, that are too long
// to be read as one thought.
func checkFunctionLength(t *tree) []string {
	var found []string
	for _, s := range t.files {
		ast.Inspect(s.ast, func(node ast.Node) bool {
			name := ""
			switch node := node.(type) {
			case *ast.FuncDecl:
				name = node.Name.Name
			case *ast.FuncLit:
				name = "function literal"
			}
			if name != "" && s.span(node) > maxFunction {
				found = append(found, s.at(node, "%s has %d lines, more than %d", name, s.span(node), maxFunction))
			}
			return true
		})
	}
	return found
}

// checkFileLength reports files that are more than one noun long.
func checkFileLength(t *tree) []string {
	var found []string
	for _, s := range t.files {
		if !s.test() && s.lines > maxFile {
			found = append(found, fmt.Sprintf("%s: %d lines, more than %d", s.path, s.lines, maxFile))
		}
	}
	return found
}

func functionLengthExamples() []example {
	body := func(lines int) string { return " {" + strings.Repeat("\n", lines-1) + "}" }
	return []example{
		{files: map[string]string{"pool/a.go": "package pool\n\n// Comments do not count.\nfunc f()" + body(70)}},
		{
			files: map[string]string{"pool/a.go": "package pool\nfunc f()" + body(71)},
			want:  []string{"pool/a.go:2: f has 71 lines, more than 70"},
		},
		{
			files: map[string]string{"pool/a_test.go": "package pool\nfunc (t) f()" + body(72)},
			want:  []string{"pool/a_test.go:2: f has 72 lines, more than 70"},
		},
		{
			files: map[string]string{"pool/a.go": "package pool\nvar f = func()" + body(71)},
			want:  []string{"pool/a.go:2: function literal has 71 lines, more than 70"},
		},
	}
}

func fileLengthExamples() []example {
	file := func(lines int) string { return "package pool" + strings.Repeat("\n", lines) }
	return []example{
		{files: map[string]string{"pool/a.go": file(500), "pool/a_test.go": file(501)}},
		{
			files: map[string]string{"pool/a.go": file(501)},
			want:  []string{"pool/a.go: 501 lines, more than 500"},
		},
	}
}
