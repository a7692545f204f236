package history

import "math"

// describeAtMost is how many cycles are looked into. A history that is wrong all
// over has thousands, and the first say as much as the last.
const describeAtMost = 200

// Check looks for everything that level proscribes.
func (h *History) Check(level Level) Report {
	var report Report
	f := newFacts(h, &report)
	l := newTimeline(h.Txns)
	report.checkSnapshots(h, l)
	f.check(h, l, level, &report)
	return report
}

// check builds the graph and looks for cycles.
func (f *facts) check(h *History, l timeline, level Level, report *Report) {
	n := int32(len(f.txns))
	inTime := l.edges(n, func(int32, int32, link) {})
	points := n + inTime
	nodes := points + 2*int32(len(f.unread))
	g := newGraph(int(nodes), func(add func(from, to int32, l link)) {
		f.edges(add)
		l.edges(n, add)
		f.unreadEdges(points, add)
	})
	report.Transactions, report.Edges = int(n), len(g.edges)
	c := &cycles{h: h, facts: f, g: g, report: report}
	if level == Serializable {
		c.find(oftenSerializable)
	}
	if level == Snapshot || f.someLoose() {
		c.find(apart)
	}
	report.sortAnomalies()
}

// someLoose reports whether there are update transactions at Snapshot. Without
// any, a cycle that Snapshot proscribes is one that Serializable does.
func (f *facts) someLoose() bool {
	for i := range f.txns {
		if t := &f.txns[i]; t.Level == Snapshot && t.wrote() {
			return true
		}
	}
	return false
}

// cycles finds cycles and reports them.
type cycles struct {
	h      *History
	facts  *facts
	g      *graph
	report *Report
	places []int32 // for searches, made when there is one
}

// dependencies are all links but rw.
func dependencies() links { return linksOf(ww, wr, emptyWR, realTime) }

// find reports the components of the walks in which rw edges come as often as a says.
func (c *cycles) find(a antis) {
	p := newPattern(dependencies(), a)
	findComponents(c.g, p, func(states []state) {
		c.report.Cycles++
		if c.report.Cycles > describeAtMost {
			return
		}
		if c.places == nil {
			c.places = make([]int32, c.g.nodes())
		}
		s := newSearch(c.g, int32(len(c.facts.txns)), p.nodes(states), c.places)
		c.describe(s, a)
		s.end()
	})
}

// nodes returns the nodes of states, each once.
func (p *pattern) nodes(states []state) (nodes []int32) {
	known := make(map[int32]bool, len(states))
	for _, s := range states {
		if node := p.node(s); !known[node] {
			known[node] = true
			nodes = append(nodes, node)
		}
	}
	return nodes
}

// describe reports the worst cycle of a component, and of those the smallest.
// What is wrong without looking at the clock is worse.
func (c *cycles) describe(s *search, most antis) {
	inTime := dependencies()
	without := inTime &^ linksOf(realTime)
	for _, d := range []links{without, inTime} {
		for _, p := range []*pattern{
			newPattern(d&linksOf(ww, realTime), never), newPattern(d, never),
			newPattern(d, once), newPattern(d, apart), newPattern(d, most),
		} {
			if cycle := s.shortest(p, patience); cycle != nil {
				c.add(cycle)
				return
			}
		}
	}
	c.add(s.shortest(newPattern(inTime, most), math.MaxInt)) // only patience was missing
}

func (c *cycles) add(cycle []leg) {
	a := Anomaly{Fault: c.facts.classify(cycle), Schedule: c.facts.schedule(c.h, cycle)}
	for _, l := range cycle {
		a.RealTime = a.RealTime || l.link == realTime
		a.Txns = append(a.Txns, c.facts.txns[l.from].ID)
	}
	c.report.keep(a)
}
