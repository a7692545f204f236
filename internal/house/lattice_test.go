package house

import (
	"fmt"
	"slices"
	"strings"
)

// layers says what the code of each layer may import besides itself and
// internal. It is the picture of the house:
//
//	bench ──► txnmgr ──► deps ──► pool
//	            │         │
//	            └─────────┴────► storage
//	                             internal: importable by all, imports none
var layers = map[string][]string{
	"bench":    {"txnmgr"},
	"txnmgr":   {"deps", "storage"},
	"deps":     {"pool", "storage"},
	"pool":     nil,
	"storage":  nil,
	"internal": nil,
}

// below lists everything that can be reached from a layer, itself included.
func below(layer string) []string {
	reached := []string{layer}
	for _, next := range layers[layer] {
		reached = append(reached, below(next)...)
	}
	return reached
}

// mayImport tells whether the file may import a package of the layer.
func mayImport(s *source, layer string) bool {
	own := s.layer()
	switch {
	case layer == own, layer == "internal", slices.Contains(layers[own], layer):
		return true
	case s.test() && slices.Contains(below(own), layer):
		return true
	}
	// From outside, everything may be tested through the public interface.
	return s.test() && s.external() && layer == "txnmgr"
}

// checkLattice reports imports against the direction of the arrows.
func checkLattice(t *tree) []string {
	var found []string
	for _, s := range t.files {
		for _, spec := range s.ast.Imports {
			dir, ours := strings.CutPrefix(importPath(spec), module+"/")
			if ours && !mayImport(s, layerOf(dir)) {
				found = append(found, s.at(spec, "%s may not import %s", s.layer(), dir))
			}
		}
	}
	return found
}

// checkFolders reports Go code outside the layers, the root included, and
// nested modules other than the one that keeps the peers' dependencies apart.
func checkFolders(t *tree) []string {
	var found []string
	for _, s := range t.files {
		if _, known := layers[s.layer()]; !known {
			found = append(found, s.at(s.ast, "Go code outside the layers of the house"))
		}
	}
	for _, dir := range t.modules {
		if dir != "bench/compare" {
			found = append(found, fmt.Sprintf("%s: nested module", dir))
		}
	}
	return found
}

var latticeExamples = []example{
	{
		files: map[string]string{
			"bench/a.go":             `package main; import _ "github.com/tierceldb/tiercel/txnmgr"`,
			"txnmgr/a.go":            `package txnmgr; import (_ "github.com/tierceldb/tiercel/deps"; _ "github.com/tierceldb/tiercel/storage")`,
			"deps/a.go":              `package deps; import (_ "github.com/tierceldb/tiercel/pool"; _ "github.com/tierceldb/tiercel/storage")`,
			"pool/a.go":              `package pool; import (_ "fmt"; _ "github.com/tierceldb/tiercel/internal/pad")`,
			"storage/a.go":           `package storage; import _ "github.com/tierceldb/tiercel/storage/log"`,
			"storage/mem/a.go":       `package mem; import _ "github.com/tierceldb/tiercel/storage"`,
			"internal/pad/a.go":      `package pad; import _ "github.com/tierceldb/tiercel/internal/history"`,
			"deps/a_test.go":         `package deps; import (_ "github.com/tierceldb/tiercel/pool"; _ "github.com/tierceldb/tiercel/internal/history")`,
			"txnmgr/a_test.go":       `package txnmgr; import _ "github.com/tierceldb/tiercel/pool"`,
			"pool/b_test.go":         `package pool_test; import _ "github.com/tierceldb/tiercel/txnmgr"`,
			"internal/pad/b_test.go": `package pad_test; import _ "github.com/tierceldb/tiercel/txnmgr"`,
		},
	},
	{
		files: map[string]string{"pool/a.go": "package pool\n\nimport _ \"github.com/tierceldb/tiercel/deps\""},
		want:  []string{"pool/a.go:3: pool may not import deps"},
	},
	{
		files: map[string]string{"bench/a.go": `package main; import _ "github.com/tierceldb/tiercel/storage/mem"`},
		want:  []string{"bench/a.go:1: bench may not import storage/mem"},
	},
	{
		files: map[string]string{"txnmgr/a.go": `package txnmgr; import _ "github.com/tierceldb/tiercel/pool"`},
		want:  []string{"txnmgr/a.go:1: txnmgr may not import pool"},
	},
	{
		files: map[string]string{"storage/a.go": `package storage; import _ "github.com/tierceldb/tiercel/pool"`},
		want:  []string{"storage/a.go:1: storage may not import pool"},
	},
	{
		files: map[string]string{"internal/x/a.go": `package x; import _ "github.com/tierceldb/tiercel/storage"`},
		want:  []string{"internal/x/a.go:1: internal may not import storage"},
	},
	{
		files: map[string]string{"deps/a_test.go": `package deps; import _ "github.com/tierceldb/tiercel/txnmgr"`},
		want:  []string{"deps/a_test.go:1: deps may not import txnmgr"},
	},
	{
		files: map[string]string{"pool/a_test.go": `package pool_test; import _ "github.com/tierceldb/tiercel/storage"`},
		want:  []string{"pool/a_test.go:1: pool may not import storage"},
	},
	{
		files: map[string]string{"txnmgr/a_test.go": `package txnmgr_test; import _ "github.com/tierceldb/tiercel/bench"`},
		want:  []string{"txnmgr/a_test.go:1: txnmgr may not import bench"},
	},
}

var folderExamples = []example{
	{files: map[string]string{
		"pool/a.go": "package pool", "internal/pad/a.go": "package pad", "storage/mem/a.go": "package mem",
		"bench/compare/go.mod": "module compare", "bench/compare/main.go": "package main",
	}},
	{
		files: map[string]string{"tiercel.go": "package tiercel"},
		want:  []string{"tiercel.go:1: Go code outside the layers of the house"},
	},
	{
		files: map[string]string{"cmd/x/main_test.go": "package main"},
		want:  []string{"cmd/x/main_test.go:1: Go code outside the layers of the house"},
	},
	{
		files: map[string]string{"tools/go.mod": "module tools", "tools/a.go": "package tools"},
		want:  []string{"tools: nested module"},
	},
}
