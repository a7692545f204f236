package house

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// use is one use of a package variable. Going outwards, at is the largest
// expression that still denotes the variable or a part of it.
type use struct {
	unit     *unit
	variable constant
	outer    []ast.Node // what encloses at, innermost last
	at       ast.Expr
	part     bool // at is an element or a field
}

// modifications reports where a file modifies one of the constants, or could.
func modifications(u *unit, s *source, constants map[types.Object]constant) []string {
	var found []string
	var parents []ast.Node
	ast.Inspect(s.ast, func(node ast.Node) bool {
		if node == nil {
			parents = parents[:len(parents)-1]
			return true
		}
		if name, ok := node.(*ast.Ident); ok {
			if variable, known := constants[u.info.Uses[name]]; known {
				use := &use{unit: u, variable: variable, outer: parents, at: name}
				if what := use.modifies(); what != "" {
					found = append(found, s.at(name, "package variable %s %s", name, what))
				}
			}
		}
		parents = append(parents, node)
		return true
	})
	return found
}

// intrusions reports where a file modifies a variable of another package of the
// module, or takes its address.
func intrusions(u *unit, s *source) []string {
	var found []string
	var parents []ast.Node
	ast.Inspect(s.ast, func(node ast.Node) bool {
		if node == nil {
			parents = parents[:len(parents)-1]
			return true
		}
		if selector, ok := node.(*ast.SelectorExpr); ok && ours(u, selector) {
			use := &use{unit: u, outer: parents, at: selector}
			if what := use.modifies(); what != "" {
				found = append(found, s.at(node, "variable %s.%s of another package %s", selector.X, selector.Sel, what))
			}
		}
		parents = append(parents, node)
		return true
	})
	return found
}

// ours tells whether a selector is a name of an imported package of the module.
func ours(u *unit, selector *ast.SelectorExpr) bool {
	pkg, ok := selector.X.(*ast.Ident)
	if !ok {
		return false
	}
	name, ok := u.info.Uses[pkg].(*types.PkgName)
	return ok && strings.HasPrefix(name.Imported().Path(), module+"/")
}

// modifies says how the use modifies the variable, or could, "" if neither.
func (u *use) modifies() string {
	for u.widen() {
	}
	if u.assigned() {
		return "is assigned to"
	}
	if u.variable.granted {
		return ""
	}
	return u.exposes()
}

// assigned tells whether the use is the target of an assignment.
func (u *use) assigned() bool {
	switch parent := u.parent().(type) {
	case *ast.AssignStmt:
		return slices.Contains(parent.Lhs, u.at)
	case *ast.IncDecStmt:
		return true
	case *ast.RangeStmt:
		return parent.Key == u.at || parent.Value == u.at
	}
	return false
}

// exposes says how the use would let somebody else modify the variable.
func (u *use) exposes() string {
	switch parent := u.parent().(type) {
	case *ast.RangeStmt, *ast.BinaryExpr:
		return ""
	case *ast.UnaryExpr:
		if parent.Op == token.AND {
			return "has its address taken"
		}
	case *ast.SliceExpr:
		if parent.X == u.at {
			return "is sliced"
		}
	case *ast.SelectorExpr:
		return u.call(parent)
	case *ast.CallExpr:
		if u.measured(parent) {
			return ""
		}
	}
	if u.variable.shared && !u.part {
		return "is let out as a whole"
	}
	return ""
}

// parent is the node around at.
func (u *use) parent() ast.Node {
	if len(u.outer) == 0 {
		return nil
	}
	return u.outer[len(u.outer)-1]
}

// widen makes at the next larger expression if that is still the variable or a
// part of it.
func (u *use) widen() bool {
	switch parent := u.parent().(type) {
	case *ast.ParenExpr:
		u.at = parent
	case *ast.StarExpr:
		u.at = parent
	case *ast.IndexExpr:
		if parent.X != u.at {
			return false
		}
		u.at, u.part = parent, true
	case *ast.SelectorExpr:
		selection := u.unit.info.Selections[parent]
		if parent.X != u.at || selection == nil || selection.Kind() != types.FieldVal {
			return false
		}
		u.at, u.part = parent, true
	default:
		return false
	}
	u.outer = u.outer[:len(u.outer)-1]
	return true
}

// call judges the use of a method: one with a value receiver gets a copy, any
// other, or one of a type of another package, could modify the variable. The
// methods of what a constructor returned are known to be harmless.
func (u *use) call(method *ast.SelectorExpr) string {
	if !u.variable.literal {
		return ""
	}
	if selection := u.unit.info.Selections[method]; selection != nil {
		f, ok := selection.Obj().(*types.Func)
		if ok && !pointer(f.Signature().Recv().Type()) {
			return ""
		}
	}
	return "has method " + method.Sel.Name + " called, which could modify it"
}

// measured tells whether the use is the argument of len or cap.
func (u *use) measured(call *ast.CallExpr) bool {
	callee, ok := call.Fun.(*ast.Ident)
	return ok && (builtin(u.unit, callee, "len") || builtin(u.unit, callee, "cap"))
}

// pointer tells whether a type is a pointer.
func pointer(t types.Type) bool {
	_, ok := t.Underlying().(*types.Pointer)
	return ok
}
