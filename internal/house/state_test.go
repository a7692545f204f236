package house

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// constructors are the functions whose results may be kept in a package
// variable: what they return is never modified, and costs too much, or has an
// identity that matters, to be made anew at each use.
var constructors = []string{
	"errors.New", "fmt.Errorf",
	"hash/crc32.MakeTable", "hash/maphash.MakeSeed", "regexp.MustCompile",
}

// constant describes a package variable that holds the same value for ever, as
// far as its declaration goes.
type constant struct {
	granted bool // there is an exception for it
	literal bool // a composite literal, not the result of a constructor
	shared  bool // a copy of the variable shares its elements
}

// checkState reports package variables that are, or can become, mutable state.
// A variable may be
//
//   - blank, as in a compile-time assertion;
//   - the result of one of the constructors;
//   - a table: a composite literal without pointers made on the spot.
//
// and after its declaration nothing in the module, tests included, may assign
// to it or to a part of it, take an address in it, call a method that could do
// so, or, where it is a slice or a map, let it out as a whole, for what is let
// out can be modified elsewhere. A slice inside an element is not followed.
func checkState(granted map[string]string) func(*tree) []string {
	return func(t *tree) []string {
		var found []string
		used := make(map[string]bool)
		for _, u := range t.units() {
			found = append(found, unitState(u, granted, used)...)
		}
		return append(found, idle(granted, used)...)
	}
}

// unitState reports the state in one package and enters the variables that
// have an exception, as folder.variable, in used.
func unitState(u *unit, granted map[string]string, used map[string]bool) []string {
	var found []string
	constants := make(map[types.Object]constant)
	for _, s := range u.files {
		for _, spec := range packageVariables(s) {
			found = append(found, declaredState(u, s, spec, granted, constants)...)
		}
	}
	for variable, c := range constants {
		used[u.files[0].dir()+"."+variable.Name()] = c.granted
	}
	for _, s := range u.files {
		found = append(found, modifications(u, s, constants)...)
		found = append(found, intrusions(u, s)...)
	}
	return found
}

// packageVariables lists the variable declarations at the top of a file that is
// not a test. (Tests may keep their flags there.)
func packageVariables(s *source) []*ast.ValueSpec {
	var specs []*ast.ValueSpec
	if s.test() {
		return nil
	}
	for _, decl := range s.ast.Decls {
		if decl, ok := decl.(*ast.GenDecl); ok && decl.Tok == token.VAR {
			for _, spec := range decl.Specs {
				specs = append(specs, spec.(*ast.ValueSpec))
			}
		}
	}
	return specs
}

// declaredState reports the names of one declaration that do not begin as a
// constant, and enters the others in constants.
func declaredState(u *unit, s *source, spec *ast.ValueSpec, granted map[string]string, constants map[types.Object]constant) []string {
	var found []string
	for i, name := range spec.Names {
		if name.Name == "_" {
			continue
		}
		var value ast.Expr
		if len(spec.Values) == len(spec.Names) {
			value = spec.Values[i]
		}
		variable := u.info.Defs[name]
		switch literal, ok := value.(*ast.CompositeLit); {
		case granted[s.dir()+"."+name.Name] != "":
			constants[variable] = constant{granted: true}
		case ok && plain(literal):
			constants[variable] = constant{literal: true, shared: shares(variable.Type(), len(literal.Elts))}
		case constructed(s, value):
			constants[variable] = constant{}
		default:
			found = append(found, s.at(name, "package variable %s is neither an error nor a table", name))
		}
	}
	return found
}

// plain tells whether nothing in a literal makes a pointer, map or channel.
func plain(literal *ast.CompositeLit) bool {
	ok := true
	ast.Inspect(literal, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.FuncLit:
			return false
		case *ast.UnaryExpr:
			ok = ok && node.Op != token.AND
		case *ast.CallExpr:
			callee, isIdent := node.Fun.(*ast.Ident)
			ok = ok && (!isIdent || callee.Name != "make" && callee.Name != "new")
		}
		return true
	})
	return ok
}

// constructed tells whether a value is the result of one of the constructors.
func constructed(s *source, value ast.Expr) bool {
	call, ok := value.(*ast.CallExpr)
	if !ok {
		return false
	}
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, ok := selector.X.(*ast.Ident)
	return ok && slices.Contains(constructors, s.imports()[pkg.Name]+"."+selector.Sel.Name)
}

// shares tells whether a copy of a value of type t with so many elements shares
// them. A type of another package is not known, so it may.
func shares(t types.Type, elements int) bool {
	switch t := t.Underlying().(type) {
	case *types.Slice:
		return elements > 0
	case *types.Map:
		return true
	case *types.Basic:
		return t.Kind() == types.Invalid
	}
	return false
}

var stateExamples = []example{
	{files: map[string]string{
		"pool/flags_test.go": "package pool\nimport \"flag\"\nvar seed = flag.Int64(\"seed\", 0, \"\")",
		"pool/a.go": `package pool
import ("errors"; "fmt"; "io")
type row struct { name string; run func() int; spans []int }
func (r row) label() string { return r.name }
var _ io.Reader = (*T)(nil)
var ErrA, ErrB = errors.New("a"), fmt.Errorf("b: %w", ErrA)
var array = [...]string{"a", "b"}
var table = []row{{name: "a", run: func() int { n := make([]int, 3); return len(array) - *f(&n) }}}
var spans = [...]time.Duration{time.Duration(1), half(2)}
var index = map[string]row{"a": {name: "a"}}
var zero = row{}
var none = []byte{}
func f(i int) any {
	for _, r := range table { _ = r.label() + ErrA.Error() }
	if len(table) > 1 && table[i].run() > 0 { return index["a"].label() }
	table := make([]int, 3)
	table[0] = 1
	copied := array
	copied[0] = "c"
	if i > 7 { return none }
	return copied
}`,
	}},
	{
		files: map[string]string{"pool/a.go": "package pool\nvar (\n\tn int\n\tm = 5\n\tp = &T{}\n\tq = make([]int, 5)\n\tr = []*T{{}, &T{}}\n\tu = []chan int{make(chan int)}\n\tv = [1]*int{new(int)}\n\ts, t = f()\n\tnow = time.Now\n)"},
		want: []string{
			"pool/a.go:3: package variable n is neither an error nor a table", "pool/a.go:4: package variable m is neither an error nor a table",
			"pool/a.go:5: package variable p is neither an error nor a table", "pool/a.go:6: package variable q is neither an error nor a table",
			"pool/a.go:7: package variable r is neither an error nor a table", "pool/a.go:8: package variable u is neither an error nor a table",
			"pool/a.go:9: package variable v is neither an error nor a table", "pool/a.go:10: package variable s is neither an error nor a table",
			"pool/a.go:10: package variable t is neither an error nor a table", "pool/a.go:11: package variable now is neither an error nor a table",
		},
	},
	{
		files: map[string]string{
			"pool/a.go":      "package pool\nimport \"errors\"\nvar Err = errors.New(\"\")\nvar tab = [2]row{}\ntype row struct{ n int }\nfunc (r *row) inc() { r.n++ }",
			"pool/b.go":      "package pool\nfunc f() {\n\tErr = nil\n\ttab[0] = row{}\n\t(tab[1].n)++\n\tfor tab[0].n = range 3 {\n\t}\n}",
			"pool/c.go":      "package pool\nfunc g() {\n\t_ = &Err\n\t_ = &tab[0].n\n\t_ = tab[:]\n\ttab[0].inc()\n}",
			"pool/d_test.go": "package pool\nfunc h() { tab[0].n += 1 }",
		},
		want: []string{
			"pool/b.go:3: package variable Err is assigned to", "pool/b.go:4: package variable tab is assigned to",
			"pool/b.go:5: package variable tab is assigned to", "pool/b.go:6: package variable tab is assigned to",
			"pool/c.go:3: package variable Err has its address taken", "pool/c.go:4: package variable tab has its address taken",
			"pool/c.go:5: package variable tab is sliced", "pool/c.go:6: package variable tab has method inc called, which could modify it",
			"pool/d_test.go:2: package variable tab is assigned to",
		},
	},
	{
		files: map[string]string{"pool/a.go": "package pool\nvar s = []int{1}\nvar m = map[int]int{}\nvar o = other.T{}\nfunc f() {\n\tx := s\n\tdelete(m, 1)\n\tx = append(s, 2)\n\to.Lock()\n\tg(o)\n}"},
		want: []string{
			"pool/a.go:6: package variable s is let out as a whole", "pool/a.go:7: package variable m is let out as a whole",
			"pool/a.go:8: package variable s is let out as a whole", "pool/a.go:9: package variable o has method Lock called, which could modify it",
			"pool/a.go:10: package variable o is let out as a whole",
		},
	},
	{
		files: map[string]string{
			"deps/a.go":       "package deps\nimport \"github.com/tierceldb/tiercel/pool\"\nfunc f() { pool := T{}; pool.Err = nil; _ = &pool.Err }\nvar _ = pool.Err",
			"bench/a_test.go": "package main\nimport \"os\"\nfunc f() { os.Args = os.Args[1:] }",
			"deps/a_test.go":  "package deps_test\nimport p \"github.com/tierceldb/tiercel/pool\"\nfunc f() {\n\tp.Err = nil\n\t_ = &p.Err\n\tp.Err++\n}",
		},
		want: []string{
			"deps/a_test.go:4: variable p.Err of another package is assigned to",
			"deps/a_test.go:5: variable p.Err of another package has its address taken",
			"deps/a_test.go:6: variable p.Err of another package is assigned to",
		},
	},
}
