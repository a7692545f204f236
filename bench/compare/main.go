// Command compare measures Tiercel beside other stores and beside the limit, a bare
// log, in the same run on the same disk. It is a module of its own, so that the
// others never become dependencies of Tiercel.
//
//	cd bench/compare && go run .
//	cd bench/compare && go run . --quick
//	cd bench/compare && go run . --help
//
// The exit status is 0 if everything was measured, whatever came out; 1 if a store
// failed or returned what was not put there; 2 if the command line makes no sense.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/tierceldb/tiercel/bench/compare/command"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	os.Exit(command.Main(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
