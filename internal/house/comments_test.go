package house

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// checkPackageComments reports packages whose comment is missing or does not
// begin the way documentation tools expect.
func checkPackageComments(t *tree) []string {
	var found []string
	for _, u := range t.units() {
		code := slices.DeleteFunc(slices.Clone(u.files), (*source).test)
		if len(code) > 0 && !slices.ContainsFunc(code, hasPackageComment) {
			name := code[0].ast.Name
			found = append(found, code[0].at(name, "package %s has no package comment", name))
		}
	}
	return found
}

// hasPackageComment tells whether the file opens with "Package name ...", or
// with anything at all in a command.
func hasPackageComment(s *source) bool {
	text, name := s.ast.Doc.Text(), s.ast.Name.Name
	return text != "" && (name == "main" || strings.HasPrefix(text, "Package "+name+" "))
}

// checkExports reports exported names without a comment.
func checkExports(t *tree) []string {
	var found []string
	for _, s := range t.files {
		if s.test() {
			continue
		}
		for _, decl := range s.ast.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				if decl.Name.IsExported() && decl.Doc.Text() == "" {
					found = append(found, s.at(decl, "%s is not documented", decl.Name))
				}
			case *ast.GenDecl:
				found = append(found, undocumentedSpecs(s, decl)...)
			}
		}
	}
	return found
}

// undocumentedSpecs reports the exported types and values of a declaration.
func undocumentedSpecs(s *source, decl *ast.GenDecl) []string {
	var found []string
	groups := newParagraphs(s)
	for _, spec := range decl.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			doc := spec.Doc.Text()
			if !decl.Lparen.IsValid() {
				doc = decl.Doc.Text()
			}
			if spec.Name.IsExported() {
				found = append(found, undocumentedType(s, spec, doc)...)
			}
		case *ast.ValueSpec:
			documented := groups.documented(spec, spec.Doc, spec.Comment) || decl.Doc.Text() != ""
			if !documented {
				found = append(found, undocumentedNames(s, spec.Names, "")...)
			}
		}
	}
	return found
}

// undocumentedType reports an exported type, or those of its exported fields
// and interface methods that neither a comment of their own, nor one at the
// head of their paragraph, nor the comment of the type speaks of, and that are
// not named after a type either. Members are left to judgement in internal
// packages, which nobody meets in documentation.
func undocumentedType(s *source, spec *ast.TypeSpec, doc string) []string {
	if doc == "" {
		return []string{s.at(spec, "%s is not documented", spec.Name)}
	}
	if s.layer() == "internal" {
		return nil
	}
	var members *ast.FieldList
	switch underlying := spec.Type.(type) {
	case *ast.StructType:
		members = underlying.Fields
	case *ast.InterfaceType:
		members = underlying.Methods
	default:
		return nil
	}
	var found []string
	groups := newParagraphs(s)
	for _, member := range members.List {
		if !groups.documented(member, member.Doc, member.Comment) {
			found = append(found, undocumentedNames(s, member.Names, doc+" "+typeName(member.Type))...)
		}
	}
	return found
}

// undocumentedNames reports the exported ones among names that doc does not
// mention, be it in lower case as an ordinary word.
func undocumentedNames(s *source, names []*ast.Ident, doc string) []string {
	var found []string
	for _, name := range names {
		mentioned := regexp.MustCompile(`(?i)\b` + name.Name + `\b`).MatchString(doc)
		if name.IsExported() && !mentioned {
			found = append(found, s.at(name, "%s is not documented", name))
		}
	}
	return found
}

// typeName is the last word of a named type's name, or of what it points to:
// Kind for ConflictKind.
func typeName(t ast.Expr) string {
	switch t := t.(type) {
	case *ast.StarExpr:
		return typeName(t.X)
	case *ast.SelectorExpr:
		return typeName(t.Sel)
	case *ast.Ident:
		return t.Name[max(0, strings.LastIndexFunc(t.Name, unicode.IsUpper)):]
	}
	return ""
}

// paragraphs follows a list of fields or values: lines without an empty one
// between them are a paragraph, and the comment above its first line speaks
// for all of it.
type paragraphs struct {
	source *source
	last   int  // line on which the previous member ended
	headed bool // the paragraph began with a comment
}

func newParagraphs(s *source) *paragraphs { return &paragraphs{source: s} }

// documented takes the next member and tells whether it has a comment of its
// own or stands in a paragraph that begins with one.
func (p *paragraphs) documented(member ast.Node, doc, line *ast.CommentGroup) bool {
	start := member.Pos()
	if doc != nil {
		start = doc.Pos()
	}
	if p.line(start) > p.last+1 {
		p.headed = false
	}
	p.last = p.line(member.End())
	if doc.Text() != "" {
		p.headed = true
	}
	return p.headed || line.Text() != ""
}

// line is the line of a position.
func (p *paragraphs) line(pos token.Pos) int { return p.source.fset.Position(pos).Line }

var packageCommentExamples = []example{
	{files: map[string]string{
		"pool/doc.go":    "// Package pool owns slots.\npackage pool",
		"pool/a.go":      "package pool",
		"pool/a_test.go": "package pool_test",
		"bench/main.go":  "// Command bench measures.\npackage main",
		"deps/a_test.go": "package deps",
	}},
	{
		files: map[string]string{"pool/a.go": "package pool", "pool/a_test.go": "// Package pool is not described by its tests.\npackage pool"},
		want:  []string{"pool/a.go:1: package pool has no package comment"},
	},
	{
		files: map[string]string{"bench/main.go": "// Detached.\n\npackage main"},
		want:  []string{"bench/main.go:3: package main has no package comment"},
	},
	{
		files: map[string]string{"pool/a.go": "// Copyright.\npackage pool"},
		want:  []string{"pool/a.go:2: package pool has no package comment"},
	},
}

var exportExamples = []example{
	{files: map[string]string{
		"pool/a_test.go":  "package pool\nfunc Undocumented() {}",
		"internal/x/a.go": "package x\n\n// T is documented.\ntype T struct{ A int }",
		"pool/a.go": `package pool

// F is documented.
func F() {}

func unexported() {}

// T is documented, and so is its field: the count.
type T struct {
	// A heads a paragraph
	A int
	B int

	Count int
	D     int // D has a line of its own

	Kind  ConflictKind
	Owner *other.Owner
	e int
}

// M is documented.
func (T) M() {}

// I is documented.
type I interface {
	// Do is documented.
	Do()
}

// The states.
const (
	One = iota
	Two
)

var (
	// ErrA is documented, with its paragraph.
	ErrA = 1
	ErrB = 2
)
`}},
	{
		files: map[string]string{"pool/a.go": "package pool\nfunc F() {}\ntype T struct{}\nfunc (t *T) M() {}\ntype t int\nfunc (t) M() {}"},
		want: []string{
			"pool/a.go:2: F is not documented", "pool/a.go:3: T is not documented",
			"pool/a.go:4: M is not documented", "pool/a.go:6: M is not documented",
		},
	},
	{
		files: map[string]string{"pool/a.go": "package pool\n//go:noinline\nfunc F() {}"},
		want:  []string{"pool/a.go:3: F is not documented"},
	},
	{
		files: map[string]string{"pool/a.go": "package pool\nconst C, d = 1, 2\nvar (\n\tV = 1\n\n\t// W heads.\n\tW = 1\n\n\tX = 1\n)"},
		want:  []string{"pool/a.go:2: C is not documented", "pool/a.go:4: V is not documented", "pool/a.go:9: X is not documented"},
	},
	{
		files: map[string]string{"pool/a.go": "package pool\n// T of Ab.\ntype T struct {\n\tA int\n\tAb int\n\tInt []Int\n}\n// I.\ntype I interface{ M() }"},
		want:  []string{"pool/a.go:4: A is not documented", "pool/a.go:6: Int is not documented", "pool/a.go:9: M is not documented"},
	},
	{
		files: map[string]string{"pool/a.go": "package pool\n// Both.\ntype (\n\tT int\n)"},
		want:  []string{"pool/a.go:4: T is not documented"},
	},
}
