package house

import (
	"go/ast"
	"path"
	"slices"
	"strings"
)

// grabBags are names that say nothing about what they hold.
var grabBags = []string{"util", "utils", "common", "helper", "helpers", "base"}

// checkNames reports files and folders with the name of a grab-bag.
func checkNames(t *tree) []string {
	var found []string
	for _, s := range t.files {
		words := strings.FieldsFunc(strings.TrimSuffix(s.path, path.Ext(s.path)), func(r rune) bool {
			return r == '/' || r == '_' || r == '-' || r == '.'
		})
		for _, word := range words {
			if slices.Contains(grabBags, word) {
				found = append(found, s.at(s.ast, "a file or folder called %q is a grab-bag", word))
			}
		}
	}
	return found
}

// checkInit reports init functions: work that an import does behind the
// program's back.
func checkInit(t *tree) []string {
	var found []string
	for _, s := range t.files {
		for _, decl := range s.ast.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				found = append(found, s.at(f, "init function"))
			}
		}
	}
	return found
}

// checkAtomics reports library code that uses another package than
// go.uber.org/atomic for its atomic fields.
func checkAtomics(granted map[string]string) func(*tree) []string {
	return func(t *tree) []string {
		var found []string
		used := make(map[string]bool)
		for _, s := range t.files {
			for _, spec := range s.ast.Imports {
				if !s.isLibrary() || importPath(spec) != "sync/atomic" {
					continue
				}
				used[s.dir()] = true
				if granted[s.dir()] == "" {
					found = append(found, s.at(spec, "import of sync/atomic; atomic fields are of go.uber.org/atomic"))
				}
			}
		}
		return append(found, idle(granted, used)...)
	}
}

var nameExamples = []example{
	{files: map[string]string{"pool/slot.go": "package pool", "pool/baseline.go": "package pool", "internal/utility/x_test.go": "package utility"}},
	{
		files: map[string]string{"pool/base.go": "package pool"},
		want:  []string{`pool/base.go:1: a file or folder called "base" is a grab-bag`},
	},
	{
		files: map[string]string{"pool/helpers_test.go": "package pool", "internal/utils/x.go": "package utils", "storage/log_util_linux.go": "package storage"},
		want: []string{
			`internal/utils/x.go:1: a file or folder called "utils" is a grab-bag`,
			`pool/helpers_test.go:1: a file or folder called "helpers" is a grab-bag`,
			`storage/log_util_linux.go:1: a file or folder called "util" is a grab-bag`,
		},
	},
}

var initExamples = []example{
	{files: map[string]string{"pool/a.go": "package pool\nfunc initialize() {}\nfunc (t) init() {}"}},
	{
		files: map[string]string{"pool/a.go": "package pool\n\nfunc init() {}", "pool/a_test.go": "package pool\nfunc init() {}"},
		want:  []string{"pool/a.go:3: init function", "pool/a_test.go:2: init function"},
	},
}

var atomicExamples = []example{
	{files: map[string]string{
		"pool/a.go":      `package pool; import _ "go.uber.org/atomic"`,
		"pool/a_test.go": `package pool; import _ "sync/atomic"`,
		"bench/a.go":     `package main; import _ "sync/atomic"`,
	}},
	{
		files: map[string]string{"storage/mem/a.go": "package mem\nimport _ \"sync/atomic\""},
		want:  []string{"storage/mem/a.go:2: import of sync/atomic; atomic fields are of go.uber.org/atomic"},
	},
}
