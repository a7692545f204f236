package house

import (
	"go/ast"
	"go/types"
	"slices"
)

// checkPanics reports panics in the packages a program embeds. A broken
// invariant goes through internal/invariants, misuse is an error value; what is
// left is handing on the panic of a user's function after cleaning up.
func checkPanics(granted map[string]string) func(*tree) []string {
	return func(t *tree) []string {
		var found []string
		used := make(map[string]bool)
		for _, u := range t.units() {
			found = append(found, unitPanics(u, granted, used)...)
		}
		return append(found, idle(granted, used)...)
	}
}

// unitPanics reports the panics in one package and enters the functions they
// are in, as folder.function, in used.
func unitPanics(u *unit, granted map[string]string, used map[string]bool) []string {
	var found []string
	handedOn := recovered(u)
	for _, s := range u.files {
		if !s.isLibrary() || s.layer() == "internal" {
			continue
		}
		for _, decl := range s.ast.Decls {
			name := s.dir() + "." + declared(decl)
			for _, call := range panicCalls(u, decl, handedOn) {
				used[name] = true
				if granted[name] == "" {
					found = append(found, s.at(call, "panic in %s", name))
				}
			}
		}
	}
	return found
}

// declared is the name of a function, with its receiver's type before it.
func declared(decl ast.Decl) string {
	f, ok := decl.(*ast.FuncDecl)
	if !ok {
		return "var"
	}
	if f.Recv == nil {
		return f.Name.Name
	}
	receiver := "?"
	ast.Inspect(f.Recv.List[0].Type, func(node ast.Node) bool {
		if ident, ok := node.(*ast.Ident); ok && receiver == "?" {
			receiver = ident.Name
		}
		return true
	})
	return receiver + "." + f.Name.Name
}

// panicCalls finds the calls of panic in a declaration, but for those that hand
// on what was recovered.
func panicCalls(u *unit, decl ast.Decl, handedOn []types.Object) []ast.Node {
	var calls []ast.Node
	ast.Inspect(decl, func(node ast.Node) bool {
		call, ok := node.(*ast.CallExpr)
		if !ok || len(call.Args) != 1 {
			return true
		}
		if callee, ok := call.Fun.(*ast.Ident); !ok || !builtin(u, callee, "panic") {
			return true
		}
		value, ok := call.Args[0].(*ast.Ident)
		if !ok || !slices.Contains(handedOn, u.info.Uses[value]) {
			calls = append(calls, call)
		}
		return true
	})
	return calls
}

// recovered lists the variables that are declared as the result of recover.
func recovered(u *unit) []types.Object {
	var variables []types.Object
	for _, s := range u.files {
		ast.Inspect(s.ast, func(node ast.Node) bool {
			assign, ok := node.(*ast.AssignStmt)
			if !ok || len(assign.Lhs) != 1 {
				return true
			}
			variable, ok := assign.Lhs[0].(*ast.Ident)
			if ok && u.info.Defs[variable] != nil && callsRecover(u, assign.Rhs[0]) {
				variables = append(variables, u.info.Defs[variable])
			}
			return true
		})
	}
	return variables
}

// callsRecover tells whether an expression is a call of recover.
func callsRecover(u *unit, e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return false
	}
	callee, ok := call.Fun.(*ast.Ident)
	return ok && builtin(u, callee, "recover")
}

var panicExamples = []example{
	{files: map[string]string{
		"txnmgr/a.go":              "package txnmgr\nfunc f() { defer func() { if p := recover(); p != nil { panic(p) } }() }\nfunc g(panic func(int)) { panic(1) }",
		"txnmgr/a_test.go":         "package txnmgr\nfunc f() { panic(1) }",
		"internal/invariants/a.go": "package invariants\nfunc f() { panic(1) }",
		"bench/a.go":               "package main\nfunc f() { panic(1) }",
	}},
	{
		files: map[string]string{"storage/mem/a.go": "package mem\nfunc f() {\n\tpanic(\"no\")\n}\nfunc (t *T[K]) m() { panic(1) }\nvar x = func() { panic(1) }"},
		want:  []string{"storage/mem/a.go:3: panic in storage/mem.f", "storage/mem/a.go:5: panic in storage/mem.T.m", "storage/mem/a.go:6: panic in storage/mem.var"},
	},
	{
		files: map[string]string{"pool/a.go": "package pool\nfunc f() { p := recover(); q := p; panic(q) }\nfunc g() { h(1, func() { panic(fmt.Sprint()) }) }"},
		want:  []string{"pool/a.go:2: panic in pool.f", "pool/a.go:3: panic in pool.g"},
	},
}
