package house

import (
	"os"
	"slices"
	"testing"
	"testing/fstest"
)

// rule is one rule of the house.
type rule struct {
	name     string
	check    func(*tree) []string // the violations, each with its place
	examples []example
}

// example is a small repository and all that the rule must say about it.
type example struct {
	files map[string]string
	want  []string // none: the rule is kept
}

// rules lists all rules of the house, with their exceptions.
func rules(granted exceptions) []rule {
	return []rule{
		{"lattice", checkLattice, latticeExamples},
		{"folders", checkFolders, folderExamples},
		{"package comments", checkPackageComments, packageCommentExamples},
		{"documented exports", checkExports, exportExamples},
		{"function length", checkFunctionLength, functionLengthExamples()},
		{"file length", checkFileLength, fileLengthExamples()},
		{"names", checkNames, nameExamples},
		{"no init", checkInit, initExamples},
		{"one atomic package", checkAtomics(granted.atomics), atomicExamples},
		{"no package state", checkState(granted.state), stateExamples},
		{"no panic", checkPanics(granted.panics), panicExamples},
		{"no output", checkOutput, outputExamples},
	}
}

func TestRepositoryKeepsTheRules(t *testing.T) {
	repository, err := readTree(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	isThisFile := func(s *source) bool { return s.path == "internal/house/house_test.go" }
	if !slices.ContainsFunc(repository.files, isThisFile) {
		t.Fatal("the tests did not read the repository they are part of")
	}
	for _, r := range rules(granted) {
		t.Run(r.name, func(t *testing.T) {
			for _, violation := range r.check(repository) {
				t.Error(violation)
			}
		})
	}
}

func TestRulesNoticeViolations(t *testing.T) {
	for _, r := range rules(exceptions{}) {
		t.Run(r.name, func(t *testing.T) {
			for _, e := range r.examples {
				e.run(t, r)
			}
		})
	}
}

// run compares what the rule says about the example with what it must say.
func (e example) run(t *testing.T, r rule) {
	t.Helper()
	files := make(fstest.MapFS)
	for name, text := range e.files {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	parsed, err := readTree(files)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.check(parsed); !slices.Equal(got, e.want) {
		t.Errorf("files %q:\n got %q\nwant %q", e.files, got, e.want)
	}
}

// TestRulesCanFail keeps every rule honest: one that has no example it objects
// to, or none it accepts, has not been shown to tell the two apart.
func TestRulesCanFail(t *testing.T) {
	for _, r := range rules(exceptions{}) {
		objects := func(e example) bool { return len(e.want) > 0 }
		accepts := func(e example) bool { return len(e.want) == 0 }
		if !slices.ContainsFunc(r.examples, objects) || !slices.ContainsFunc(r.examples, accepts) {
			t.Errorf("rule %q needs an example that breaks it and one that keeps it", r.name)
		}
	}
}

func TestReadTreeSkipsWhatIsNotOurs(t *testing.T) {
	const text = "package p"
	parsed, err := readTree(fstest.MapFS{
		"go.mod":                {Data: []byte("module m")},
		"pool/a.go":             {Data: []byte(text)},
		"pool/testdata/b.go":    {Data: []byte(text)},
		"pool/.hidden/c.go":     {Data: []byte(text)},
		"_old/d.go":             {Data: []byte(text)},
		"bench/compare/go.mod":  {Data: []byte("module n")},
		"bench/compare/main.go": {Data: []byte(text)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(parsed.files) != 1 || parsed.files[0].path != "pool/a.go" {
		t.Errorf("read %d files, want pool/a.go only", len(parsed.files))
	}
	if !slices.Equal(parsed.modules, []string{"bench/compare"}) {
		t.Errorf("nested modules %q, want bench/compare", parsed.modules)
	}
}
