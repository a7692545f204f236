package history

// state is a node of a walk: a node of the graph, in a state of the pattern.
// Components of these, not of nodes, are what closed walks of a pattern are in.
type state int32

func (p *pattern) at(node int32, s int8) state { return state(node*p.states) + state(s) }

func (p *pattern) node(s state) int32 { return int32(s) / p.states }

// step returns where a walk goes along an edge, or stop.
func (p *pattern) step(s state, e edge) state {
	next := p.next[int32(s)%p.states][e.link()]
	if next == stop {
		return stop
	}
	return p.at(e.to(), next)
}

// frame is a state whose edges are being followed.
type frame struct {
	state state
	edge  int // the next one
	root  bool
}

// components finds the strongly connected components that have more than one
// state, by Pearce's variant of Tarjan's algorithm (A space-efficient algorithm for
// finding strongly connected components, 2016), with a stack of its own: a history
// is as deep as it is long.
type components struct {
	g       *graph
	p       *pattern
	rank    []int32 // 0: not visited; else the order of visits, or the number of the component
	index   int32
	number  int32 // of the next component; they are numbered downwards, above all visits
	frames  []frame
	pending []state // visited, and not in a component yet
}

// findComponents calls found with the states of each component.
func findComponents(g *graph, p *pattern, found func(states []state)) {
	n := int32(g.nodes()) * p.states
	c := &components{g: g, p: p, rank: make([]int32, n), index: 1, number: n}
	for s := range n {
		if c.rank[s] == 0 {
			c.visit(state(s), found)
		}
	}
}

func (c *components) visit(s state, found func([]state)) {
	c.enter(s)
	for len(c.frames) > 0 {
		f := &c.frames[len(c.frames)-1]
		if !c.follow(f) {
			c.leave(*f, found)
		}
	}
}

func (c *components) enter(s state) {
	c.rank[s] = c.index
	c.index++
	c.frames = append(c.frames, frame{state: s, edge: c.g.first[c.p.node(s)], root: true})
}

// follow goes along the edges of a frame, up to one to a state not visited. It
// reports false if there is none.
func (c *components) follow(f *frame) bool {
	end := c.g.first[c.p.node(f.state)+1]
	for f.edge < end {
		to := c.p.step(f.state, c.g.edges[f.edge])
		if to != stop {
			if c.rank[to] == 0 {
				c.enter(to) // and looks at this edge again afterwards
				return true
			}
			if c.rank[to] < c.rank[f.state] {
				c.rank[f.state] = c.rank[to]
				f.root = false
			}
		}
		f.edge++
	}
	return false
}

// leave is done with a state, and with its component if it is the root of one.
func (c *components) leave(f frame, found func([]state)) {
	c.frames = c.frames[:len(c.frames)-1]
	if !f.root {
		c.pending = append(c.pending, f.state)
		return
	}
	first := len(c.pending)
	for first > 0 && c.rank[c.pending[first-1]] >= c.rank[f.state] {
		first--
		c.rank[c.pending[first]] = c.number
	}
	c.rank[f.state] = c.number
	c.index -= int32(len(c.pending) - first + 1)
	c.number--
	if first < len(c.pending) {
		found(append(c.pending[first:], f.state))
	}
	c.pending = c.pending[:first]
}
