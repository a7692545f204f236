package history

// link says why one transaction comes before another.
type link uint8

const (
	ww           link = iota // it wrote a version, the other the next one of that key
	wr                       // it wrote a version that the other read
	rw                       // it read a version, and the other wrote the next one of that key
	emptyWR                  // it removed a key from a range that the other found empty
	emptyRW                  // it found a range empty, and the other put a key there
	looseRW                  // rw from where it does not count for Serializable
	looseEmptyRW             // likewise
	realTime                 // it ended before the other began
	through                  // from a point in between; counts as nothing
	numLinks
)

// String returns "ww", "wr", "rw", or "real time"; the rest are like these.
func (l link) String() string {
	return [numLinks]string{
		ww: "ww", wr: "wr", rw: "rw", emptyWR: "wr", emptyRW: "rw",
		looseRW: "rw", looseEmptyRW: "rw", realTime: "real time", through: "",
	}[l]
}

// edge is a link and the node that it leads to, in one word: graphs are large. The
// nodes of a hundred million transactions still fit; a run of more is cut.
type edge uint32

const linkBits = 4

func (e edge) to() int32  { return int32(e >> linkBits) }
func (e edge) link() link { return link(e & (1<<linkBits - 1)) }

// graph is a directed graph. The first nodes are transactions, the others points
// in between, which stand for many edges: one link goes in, and through goes out.
type graph struct {
	first []int // by node: its first edge; one more for the end
	edges []edge
}

// newGraph makes a graph of the edges that walk hands to add. It calls walk twice:
// edges are counted first, so that they need no more memory than they take.
func newGraph(nodes int, walk func(add func(from, to int32, l link))) *graph {
	g := &graph{first: make([]int, nodes+1)}
	walk(func(from, _ int32, _ link) { g.first[from+1]++ })
	for i := range nodes {
		g.first[i+1] += g.first[i]
	}
	g.edges = make([]edge, g.first[nodes])
	walk(func(from, to int32, l link) {
		g.edges[g.first[from]] = edge(to)<<linkBits | edge(l)
		g.first[from]++
	})
	copy(g.first[1:], g.first) // each has moved on to where the next begins
	g.first[0] = 0
	return g
}

func (g *graph) nodes() int { return len(g.first) - 1 }

// of returns the edges out of a node.
func (g *graph) of(node int32) []edge { return g.edges[g.first[node]:g.first[node+1]] }

// pattern says which closed walks are looked for. A walk begins in state 0; next
// says, by state and link, in which state it goes on, or stop. It must come back
// in state end.
type pattern struct {
	states int32
	next   [2][numLinks]int8
	end    int8
}

const stop = -1

// links is a set of links.
type links uint16

func linksOf(all ...link) links {
	var s links
	for _, l := range all {
		s |= 1 << l
	}
	return s
}

func (s links) has(l link) bool { return s>>l&1 == 1 }

// antis says how often a walk may follow rw edges.
type antis uint8

const (
	never antis = iota
	once
	apart // never two in a row
	often
	oftenSerializable // and not where they do not count for Serializable
)

// newPattern returns the walks along dependencies, a set of links, and rw edges.
func newPattern(dependencies links, a antis) *pattern {
	anti := linksOf(rw, emptyRW, looseRW, looseEmptyRW)
	p := &pattern{states: 1}
	if a == once || a == apart {
		p.states = 2
	}
	if a == once {
		p.end = 1
	}
	for l := range numLinks {
		switch {
		case l == through:
			p.next[0][l], p.next[1][l] = 0, 1
		case anti.has(l):
			p.next[0][l], p.next[1][l] = p.antiLink(a, l)
		case !dependencies.has(l):
			p.next[0][l], p.next[1][l] = stop, stop
		case a == once:
			p.next[0][l], p.next[1][l] = 0, 1
		}
	}
	return p
}

// antiLink returns the states after an rw edge in each of the states.
func (p *pattern) antiLink(a antis, l link) (from0, from1 int8) {
	switch {
	case a == never, a == oftenSerializable && (l == looseRW || l == looseEmptyRW):
		return stop, stop
	case a == once, a == apart:
		return 1, stop
	}
	return 0, stop
}
