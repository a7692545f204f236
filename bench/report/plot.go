package report

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

// Point is one point of a line.
type Point struct {
	X, Y float64 // in the units of the chart's labels
}

// Line is one named line of a chart.
type Line struct {
	Name   string  // shown in the legend
	Points []Point // in the order to join them
	Color  int     // lines of the same number have the same color; 0: one by its place
	Stroke Stroke  // Solid, unless set
}

// Stroke tells lines of one color apart.
type Stroke int

const (
	Solid  Stroke = iota // as most lines are
	Dashed               // for what the solid line of the same color is compared with
)

// Chart is a line chart.
type Chart struct {
	Title, XLabel, YLabel string // shown as they are
	XScale, YScale        Scale  // Linear, unless set
	XTicks                []int  // where to label the x axis; nil: at round numbers
	Lines                 []Line // empty ones are left out
}

// Scale is how an axis is divided.
type Scale int

const (
	Linear      Scale = iota // equal distances
	Logarithmic              // equal ratios; every value must be above 0
)

const (
	chartWidth  = 8 * vg.Inch
	chartHeight = 5 * vg.Inch
	headroom    = 0.05 // of the height that the data take, for the legend's frame, and again
	lineroom    = 0.06 // for each of its lines
)

// PlotFormat returns the format that the extension of a path stands for.
func PlotFormat(path string) (string, error) {
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".png", ".svg":
		return ext[1:], nil
	}
	return "", fmt.Errorf("%q ends neither in .png nor in .svg: choose one of them", path)
}

// isEmpty tells whether there is nothing to draw.
func (c Chart) isEmpty() bool {
	return !slices.ContainsFunc(c.Lines, func(l Line) bool { return len(l.Points) > 0 })
}

// Write draws the chart in the format, "png" or "svg". A linear y axis begins
// at 0, so that differences are not magnified.
func (c Chart) Write(w io.Writer, format string) error {
	if c.isEmpty() {
		c.XScale, c.YScale = Linear, Linear // without data an axis has no ratios
	}
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = c.Title, c.XLabel, c.YLabel
	p.Title.Padding = vg.Points(8)
	c.XScale.apply(&p.X)
	c.YScale.apply(&p.Y)
	if c.XTicks != nil {
		p.X.Tick.Marker = ticksAt(c.XTicks)
	}
	p.Add(plotter.NewGrid())
	for i, line := range c.Lines {
		if line.Color == 0 {
			line.Color = i + 1
		}
		if err := addLine(p, line); err != nil {
			return err
		}
	}
	c.YScale.leaveRoom(&p.Y, headroom+lineroom*float64(len(c.Lines)))
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.XOffs = vg.Points(8)
	image, err := p.WriterTo(chartWidth, chartHeight, format)
	if err != nil {
		return err
	}
	_, err = image.WriteTo(w)
	return err
}

// apply sets the scale of an axis.
func (s Scale) apply(axis *plot.Axis) {
	axis.Tick.Marker = plot.TickerFunc(roundTicks)
	if s == Logarithmic {
		axis.Scale, axis.Tick.Marker = plot.LogScale{}, plot.TickerFunc(powerTicks)
	}
}

// leaveRoom extends an axis upwards by a share of what the data take. A linear one
// begins at 0.
func (s Scale) leaveRoom(axis *plot.Axis, share float64) {
	if s == Logarithmic {
		axis.Max *= math.Pow(axis.Max/axis.Min, share)
		return
	}
	axis.Min = 0
	axis.Max *= 1 + share
}

// ticksAt labels an axis at the numbers.
func ticksAt(numbers []int) plot.Ticker {
	var ticks plot.ConstantTicks
	for _, n := range numbers {
		ticks = append(ticks, plot.Tick{Value: float64(n), Label: Count(n)})
	}
	return ticks
}

// powerTicks labels an axis at powers of ten, with thousands separators.
func powerTicks(lo, hi float64) []plot.Tick {
	ticks := plot.LogTicks{Prec: -1}.Ticks(lo, hi)
	for i, tick := range ticks {
		if tick.Label != "" && tick.Value >= 1 {
			ticks[i].Label = Count(int64(tick.Value + 0.5))
		}
	}
	return ticks
}

// roundTicks labels an axis at multiples of 1, 2 or 5 times a power of ten,
// four to ten of them, with thousands separators.
func roundTicks(lo, hi float64) []plot.Tick {
	step := roundStep((hi - lo) / 4)
	var ticks []plot.Tick
	for i := math.Ceil(lo / step); i*step <= hi; i++ {
		label := strconv.FormatFloat(i*step, 'g', 6, 64)
		if step >= 1 {
			label = Count(int64(i * step))
		}
		ticks = append(ticks, plot.Tick{Value: i * step, Label: label})
	}
	return ticks
}

// roundStep returns the greatest round number that is not above most.
func roundStep(most float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(most)))
	for _, n := range []float64{5, 2} {
		if n*power <= most {
			return n * power
		}
	}
	return power
}

func addLine(p *plot.Plot, line Line) error {
	if len(line.Points) == 0 {
		return nil
	}
	xys := make(plotter.XYs, len(line.Points))
	for j, pt := range line.Points {
		xys[j] = plotter.XY{X: pt.X, Y: pt.Y}
	}
	l, s, err := plotter.NewLinePoints(xys)
	if err != nil {
		return fmt.Errorf("line %q: %w", line.Name, err)
	}
	hue := line.Color - 1
	l.Color, s.Color, s.Shape = plotutil.Color(hue), plotutil.Color(hue), plotutil.Shape(hue)
	if line.Stroke == Dashed {
		l.Dashes = []vg.Length{vg.Points(4), vg.Points(3)}
	}
	p.Add(l, s)
	p.Legend.Add(line.Name, l, s)
	return nil
}
