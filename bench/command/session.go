package command

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tierceldb/tiercel/bench/report"
)

// common are the flags that every command has.
type common struct {
	duration time.Duration
	seed     uint64
	json     string
	plot     string
}

// register adds the flags; the plot shows what plotted says.
func (c *common) register(flags *pflag.FlagSet, duration time.Duration, lasts, plotted string) {
	flags.SortFlags = false
	flags.DurationVar(&c.duration, "duration", duration, lasts)
	flags.Uint64Var(&c.seed, "seed", 0, "seed of every random choice (default: a new one, which is printed)")
	c.registerJSON(flags)
	flags.StringVar(&c.plot, "plot", "", "draw "+plotted+" to this `file` (.png or .svg)")
}

// registerJSON adds the flag of the commands that draw nothing too.
func (c *common) registerJSON(flags *pflag.FlagSet) {
	flags.StringVar(&c.json, "json", "", "write the result as JSON to this `file`; - is standard output, and all else goes to standard error then")
}

// toOutput is the value of --json that stands for standard output.
const toOutput = "-"

// session is one command being run: its seed, and where its result goes.
type session struct {
	*common
	cmd    *cobra.Command
	jsonTo *report.Target
	plotTo *report.Target
	format string
}

// prepare draws the seed and makes sure that the files can be written, before
// any work is done. The flags of the command itself are checked first, by
// problem.
func (c *common) prepare(cmd *cobra.Command, problem error) (*session, error) {
	if err := firstOf(problem, allGiven(cmd)); err != nil {
		return nil, err
	}
	s := &session{common: c, cmd: cmd}
	if !cmd.Flags().Changed("seed") {
		c.seed = rand.Uint64()
	}
	if err := s.openTargets(); err != nil {
		s.abandon()
		return nil, usageError{err}
	}
	return s, nil
}

// allGiven refuses flags with nothing in them: a script that names a file or a folder
// by a variable that is not set would measure something else, and keep no result.
func allGiven(cmd *cobra.Command) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if err == nil && f.Value.String() == "" {
			err = usageError{fmt.Errorf("--%s is empty; name something, or leave it out", f.Name)}
		}
	})
	return err
}

func (s *session) openTargets() (err error) {
	if s.plot != "" {
		if s.format, err = report.PlotFormat(s.plot); err != nil {
			return fmt.Errorf("--plot: %w", err)
		}
	}
	if s.json != toOutput {
		if s.jsonTo, err = openTarget("json", s.json); err != nil {
			return err
		}
	}
	s.plotTo, err = openTarget("plot", s.plot)
	return err
}

// openTarget opens the file of a flag; without one there is no target.
func openTarget(flag, path string) (*report.Target, error) {
	if path == "" {
		return nil, nil
	}
	t, err := report.OpenTarget(path)
	if err != nil {
		return nil, fmt.Errorf("--%s: %w; name a file in a folder that you may write to", flag, err)
	}
	return t, nil
}

// abandon gives up the files of a run without a result. After finish it does
// nothing, so it can be deferred.
func (s *session) abandon() {
	for _, t := range []**report.Target{&s.jsonTo, &s.plotTo} {
		if *t != nil {
			(*t).Abandon()
			*t = nil
		}
	}
}

// finish writes the files that were asked for.
func (s *session) finish(result any, chart report.Chart) error {
	if s.json == toOutput {
		if err := report.WriteJSON(s.cmd.OutOrStdout(), result); err != nil {
			return runError{err}
		}
	}
	if t := s.jsonTo; t != nil {
		s.jsonTo = nil
		if err := t.Write(func(w io.Writer) error { return report.WriteJSON(w, result) }); err != nil {
			return runError{err}
		}
	}
	if t := s.plotTo; t != nil {
		s.plotTo = nil
		if err := t.Write(func(w io.Writer) error { return chart.Write(w, s.format) }); err != nil {
			return runError{err}
		}
	}
	return nil
}

// header is the part of the JSON result that all commands share.
type header struct {
	Command     string         `json:"command"`
	Verdict     verdict        `json:"verdict"`
	Interrupted bool           `json:"interrupted"`
	Seed        uint64         `json:"seed"`
	Options     map[string]any `json:"options"`
	report.Environment
}

func (s *session) header(v verdict, interrupted bool) header {
	return header{
		Command:     s.cmd.CommandPath(),
		Verdict:     v,
		Interrupted: interrupted,
		Seed:        s.seed,
		Options:     s.options(),
		Environment: report.ThisEnvironment(),
	}
}

// options returns the value of every flag that says what to run.
func (s *session) options() map[string]any {
	options := map[string]any{}
	s.cmd.Flags().VisitAll(func(f *pflag.Flag) {
		switch f.Name {
		case "help", "json", "plot", "seed":
			return
		}
		if f.Hidden { // another name
			return
		}
		options[f.Name] = plain(f.Value.String())
	})
	return options
}

// plain returns numbers as such and all else as text.
func plain(text string) any {
	if json.Valid([]byte(text)) && strings.Trim(text, "-0123456789.") == "" {
		return json.Number(text)
	}
	return text
}

// replay returns the command line that runs the same again.
func (s *session) replay() string {
	line := fmt.Sprintf("go run ./%s --seed %d", s.cmd.CommandPath(), s.seed)
	s.cmd.Flags().Visit(func(f *pflag.Flag) {
		switch f.Name {
		case "json", "plot", "seed", "out":
			return
		}
		line += fmt.Sprintf(" --%s %s", f.Name, f.Value)
	})
	return line
}
