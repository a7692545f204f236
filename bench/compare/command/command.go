// Package command is the command line of compare: its flags, the order in which
// workloads run, and how results are shown.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/tierceldb/tiercel/bench/compare/recovery"
	"github.com/tierceldb/tiercel/bench/report"
)

// Exit statuses.
const (
	OK     = 0 // everything was measured
	Failed = 1 // a store failed, or the run could not be completed
	Usage  = 2 // the command line makes no sense; nothing was run
)

// usageError is a mistake on the command line.
type usageError struct{ error }

// fillCommand is the hidden command that runs in the child processes of recovery.
const fillCommand = "fill"

// program is what the commands share.
type program struct {
	out      io.Writer
	errs     io.Writer
	progress *report.Progress

	// child is the command line that runs this program again.
	child []string
}

// Main runs the command line and returns the exit status. Results go to out,
// progress and errors to errs. When ctx ends, the run ends early and still shows
// what it has.
func Main(ctx context.Context, args []string, out, errs io.Writer) int {
	p := &program{out: out, errs: errs, progress: report.NewProgress(errs)}
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	p.child = []string{self}
	return p.main(ctx, args)
}

func (p *program) main(ctx context.Context, args []string) int {
	root := p.newRoot()
	root.SetArgs(args)
	root.SetOut(p.out)
	root.SetErr(p.errs)
	err := root.ExecuteContext(ctx)
	var usage usageError
	switch {
	case err == nil:
		return OK
	case errors.As(err, &usage):
		fmt.Fprintf(p.errs, "compare: %v; see go run . --help\n", err)
		return Usage
	}
	fmt.Fprintf(p.errs, "compare: %v\n", err)
	return Failed
}

func (p *program) newRoot() *cobra.Command {
	var s settings
	cmd := &cobra.Command{
		Use:   "compare",
		Short: "Measure Tiercel beside other stores and the limit",
		Long: `Compare measures, all in one run and on one disk:

  commits    durable transactions of 3 objects of 999 bytes, by so many clients:
             adds of new objects, and updates of a fixed set; short bursts
  sustained  the same with 64 clients, for longer than any buffer lasts
  selects    read-only transactions of one object, on data 10 times the caches,
             uniformly chosen or few very often (zipf, exponent 0.99), and what
             is in memory then
  beside     read-only transactions while 64 clients commit
  recovery   opening a store whose process was killed

The limit is a bare log: preallocated, one write and one sync for all who wait, and
no transactions. Stores take turns in rounds, and medians count. A goal that is
missed does not make the run fail.`,
		Example: `  go run .
  go run . --quick
  go run . --dir /mnt/disk --json compare.json --plot commits.svg
  go run . --workloads commits --contestants limit,tiercel --clients 1,64 --rounds 9
  go run . --workloads sustained --sustained 1m`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("unknown argument %q", args[0])}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := s.complete(cmd.Flags()); err != nil {
				return usageError{err}
			}
			return p.run(cmd.Context(), &s)
		},
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	cmd.CompletionOptions.DisableDefaultCmd = true
	s.register(cmd.Flags())
	cmd.AddCommand(p.newFill())
	return cmd
}

// newFill returns the command of the child processes.
func (p *program) newFill() *cobra.Command {
	return &cobra.Command{
		Use:    fillCommand + " DIR BYTES",
		Hidden: true,
		Args:   cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			bytes, err := strconv.ParseInt(args[1], 10, 64)
			if err != nil {
				return usageError{err}
			}
			return recovery.Fill(cmd.Context(), args[0], bytes, p.out)
		},
	}
}
