// Package house holds the rules of the house that a compiler does not: which
// package may import which, how long a function or a file may be, what must be
// documented, and what library code must not do (keep state in package
// variables, panic, print). It has no code of its own; its tests read the whole
// repository and fail where a rule is broken, and each rule comes with examples
// that prove it notices.
//
// The rules are checked on the parsed source, whatever the build tags, with
// identifiers resolved inside each package. Imported packages are not loaded,
// which keeps the tests fast and makes a rule err on the strict side where it
// would have to know an imported type.
//
// # Reading the source
//
// house_test.go runs the rules, tree_test.go reads the repository; each of the
// other files is one rule, or a few close ones, with its examples.
package house
