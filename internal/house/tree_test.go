package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// module is the path all packages of the repository begin with.
const module = "github.com/tierceldb/tiercel"

// tree is a parsed repository.
type tree struct {
	fset    *token.FileSet
	files   []*source // in the order of their paths
	modules []string  // folders with a go.mod of their own; their files are not read
}

// source is one Go file of a tree.
type source struct {
	path  string // relative to the root of the tree, with slashes
	lines int
	fset  *token.FileSet
	ast   *ast.File
}

// readTree parses every Go file below fsys that the go tool would look at.
func readTree(fsys fs.FS) (*tree, error) {
	t := &tree{fset: token.NewFileSet()}
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return t.enter(fsys, name)
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		return t.add(fsys, name)
	})
	return t, err
}

// enter decides whether the files of a folder belong to the tree.
func (t *tree) enter(fsys fs.FS, dir string) error {
	base := path.Base(dir)
	if dir == "." {
		return nil
	}
	if base == "testdata" || base[0] == '.' || base[0] == '_' {
		return fs.SkipDir
	}
	if _, err := fs.Stat(fsys, path.Join(dir, "go.mod")); err == nil {
		t.modules = append(t.modules, dir)
		return fs.SkipDir
	}
	return nil
}

// add parses the file name and appends it.
func (t *tree) add(fsys fs.FS, name string) error {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	parsed, err := parser.ParseFile(t.fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	lines := strings.Count(strings.TrimSuffix(string(text), "\n"), "\n") + 1
	t.files = append(t.files, &source{path: name, lines: lines, fset: t.fset, ast: parsed})
	return nil
}

// dir is the folder of the file, "." for the root.
func (s *source) dir() string { return path.Dir(s.path) }

// layer is the top-level folder of the file, "." for the root.
func (s *source) layer() string { return layerOf(s.dir()) }

// layerOf is the first element of a slash-separated folder.
func layerOf(dir string) string {
	top, _, _ := strings.Cut(dir, "/")
	return top
}

// test tells whether only the tests contain the file.
func (s *source) test() bool { return strings.HasSuffix(s.path, "_test.go") }

// external tells whether the file belongs to a package that tests another one
// from outside.
func (s *source) external() bool { return strings.HasSuffix(s.ast.Name.Name, "_test") }

// isLibrary tells whether programs that embed the module contain the file.
func (s *source) isLibrary() bool {
	return !s.test() && slices.Contains([]string{"pool", "deps", "storage", "txnmgr", "internal"}, s.layer())
}

// at renders one violation, with the place it was found at.
func (s *source) at(node ast.Node, format string, args ...any) string {
	line := s.fset.Position(node.Pos()).Line
	return fmt.Sprintf("%s:%d: %s", s.path, line, fmt.Sprintf(format, args...))
}

// span is the number of lines a node covers.
func (s *source) span(node ast.Node) int {
	return s.fset.Position(node.End()).Line - s.fset.Position(node.Pos()).Line + 1
}

// imports maps the names by which the file knows its imports to their paths.
func (s *source) imports() map[string]string {
	known := make(map[string]string)
	for _, spec := range s.ast.Imports {
		p := importPath(spec)
		name := packageName(p)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		known[name] = p
	}
	return known
}

// importPath is the unquoted path of an import.
func importPath(spec *ast.ImportSpec) string {
	p, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return spec.Path.Value
	}
	return p
}

// packageName guesses the name of an imported package from its path: the last
// element that is not a major version.
func packageName(p string) string {
	base := path.Base(p)
	if _, err := strconv.Atoi(strings.TrimPrefix(base, "v")); err == nil && base[0] == 'v' {
		base = path.Base(path.Dir(p))
	}
	return base
}

// unit is the files of one package, with their identifiers resolved. A package
// and the external package that tests it are two units.
type unit struct {
	files []*source
	scope *types.Scope
	info  *types.Info
}

// units groups the files of the tree into packages and resolves them.
func (t *tree) units() []*unit {
	var found []*unit
	index := make(map[string]*unit)
	for _, s := range t.files {
		key := s.dir() + " " + s.ast.Name.Name
		if index[key] == nil {
			index[key] = &unit{}
			found = append(found, index[key])
		}
		index[key].files = append(index[key].files, s)
	}
	for _, u := range found {
		u.resolve(t.fset)
	}
	return found
}

// resolve type-checks the files against imports that are known by name only.
// The errors this must give are of no interest: what a package declares itself
// is resolved all the same.
func (u *unit) resolve(fset *token.FileSet) {
	u.info = &types.Info{
		Defs:       make(map[*ast.Ident]types.Object),
		Uses:       make(map[*ast.Ident]types.Object),
		Selections: make(map[*ast.SelectorExpr]*types.Selection),
	}
	conf := types.Config{Importer: nameOnly{}, Error: func(error) {}}
	var files []*ast.File
	for _, s := range u.files {
		files = append(files, s.ast)
	}
	pkg, _ := conf.Check(u.files[0].dir(), fset, files, u.info)
	u.scope = pkg.Scope()
}

// nameOnly imports every package as an empty one.
type nameOnly struct{}

func (nameOnly) Import(p string) (*types.Package, error) {
	if p == "unsafe" {
		return types.Unsafe, nil
	}
	pkg := types.NewPackage(p, packageName(p))
	pkg.MarkComplete()
	return pkg, nil
}
