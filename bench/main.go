// Command bench stresses Tiercel and measures it. Without arguments it makes a
// tour: a stress run that checks what the library promises, then a throughput
// profile, in under half a minute.
//
//	go run ./bench
//	go run ./bench stress --duration 60s --json out.json
//	go run ./bench --help
//
// The exit status is 0 if all went well, 1 if a promise was broken or the run
// could not be completed, 2 if the command line makes no sense.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/tierceldb/tiercel/bench/command"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	os.Exit(command.Main(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
