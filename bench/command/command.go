// Package command is the command line of bench: which commands there are, what
// their flags mean, and how their results are shown. What they do is in the
// packages beside it.
//
// Each command has a file of its own. A new experiment adds a file here, a
// line in newRoot, and a package beside this one for the work.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"

	"github.com/spf13/cobra"

	"github.com/tierceldb/tiercel/bench/report"
	"github.com/tierceldb/tiercel/txnmgr"
)

// Exit statuses.
const (
	OK     = 0 // everything held
	Failed = 1 // a promise was broken, or the run could not be completed
	Usage  = 2 // the command line makes no sense; nothing was run
)

// errBroken ends a command whose verdict, already printed, is that a promise
// was broken.
var errBroken = errors.New("a check failed")

// usageError is a mistake on the command line.
type usageError struct{ error }

// bench is what all commands share.
type bench struct {
	out      io.Writer
	errs     io.Writer
	progress *report.Progress

	// open opens the manager under test. Tests hand in one that is broken.
	open func(context.Context, txnmgr.Options) (*txnmgr.Manager, error)

	// startChild makes the command that starts a process that stress --crash kills.
	startChild func(load string) *exec.Cmd
}

// Main runs the command line and returns the exit status. Results go to out,
// progress and errors to errs. When ctx ends, a run ends early and still shows
// its result.
func Main(ctx context.Context, args []string, out, errs io.Writer) int {
	b := &bench{out: out, errs: errs, progress: report.NewProgress(errs), open: txnmgr.Open, startChild: startSelf}
	return b.main(ctx, args)
}

func (b *bench) main(ctx context.Context, args []string) int {
	root := b.newRoot()
	root.SetArgs(args)
	root.SetOut(b.out)
	root.SetErr(b.errs)
	err := root.ExecuteContext(ctx)
	b.progress.Clear()
	switch {
	case err == nil:
		return OK
	case errors.Is(err, errBroken):
		return Failed
	}
	return b.complain(err)
}

// complain prints an error and tells the mistakes of whoever typed the command
// from failures of the run.
func (b *bench) complain(err error) int {
	var usage usageError
	var run runError
	switch {
	case errors.As(err, &run):
		fmt.Fprintf(b.errs, "bench: %v\n", err)
		return Failed
	case errors.As(err, &usage):
		fmt.Fprintf(b.errs, "bench: %v\n", err)
	default: // of cobra, such as an unknown command
		fmt.Fprintf(b.errs, "bench: %v; see go run ./bench --help\n", err)
	}
	return Usage
}

// runError is a failure after the flags were found good.
type runError struct{ error }

// Unwrap returns the cause.
func (e runError) Unwrap() error { return e.error }

func (b *bench) newRoot() *cobra.Command {
	root := b.newTour()
	root.AddCommand(b.newStress(), b.newRun(), b.newProfile(), b.newShootout(), b.newLocking(), b.newVerify(), b.newStats())
	root.PersistentPreRun = func(cmd *cobra.Command, _ []string) {
		if f := cmd.Flags().Lookup("json"); f != nil && f.Value.String() == toOutput {
			b.out = b.errs // so that there is nothing but JSON in the output
		}
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SilenceErrors = true
	root.SilenceUsage = true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see go run ./%s --help", explain(err), cmd.CommandPath())}
	})
	return root
}
