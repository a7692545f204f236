package history

// leg is one edge of a cycle between transactions, points in between left out.
type leg struct {
	from, to int32
	link     link
}

// patience bounds how many edges are looked at for the smallest cycle of a pattern,
// so that a history that is wrong all over is reported in good time.
const patience = 1_000_000

// search looks for small cycles in one component.
type search struct {
	g       *graph
	txns    int32 // nodes below it are transactions
	members []int32
	places  []int32 // by node: its place among the members, from 1; or 0
	looked  int     // edges
}

// newSearch prepares a search. places is as long as there are nodes, and all 0.
func newSearch(g *graph, txns int32, members, places []int32) *search {
	for i, m := range members {
		places[m] = int32(i + 1)
	}
	return &search{g: g, txns: txns, members: members, places: places}
}

// end leaves places as it was.
func (s *search) end() {
	for _, m := range s.members {
		s.places[m] = 0
	}
}

// shortest returns the shortest closed walk of a pattern, or nil if there is none.
// In a component so large that patience ends, it returns the shortest so far, and
// gives up after having looked at a number of edges without finding any.
func (s *search) shortest(p *pattern, giveUp int) []leg {
	b := newBreadth(s, p)
	var best []visit
	s.looked = 0
	for _, m := range s.members {
		if m >= s.txns {
			continue
		}
		if walk := b.from(m, len(best)); walk != nil {
			best = walk
		}
		if s.looked > patience && best != nil || s.looked > giveUp || len(best) == 2 {
			break
		}
	}
	return s.legs(best)
}

// legs leaves out the points in between.
func (s *search) legs(walk []visit) []leg {
	var legs []leg
	var open leg
	for _, v := range walk {
		if v.from < s.txns {
			open = leg{from: v.from, link: v.link}
		}
		if v.to < s.txns {
			open.to = v.to
			legs = append(legs, open)
		}
	}
	return legs
}

// visit is one edge of a walk.
type visit struct {
	from, to int32
	link     link
}

// breadth goes through the states of a component breadth first.
type breadth struct {
	*search
	p     *pattern
	round int32
	seen  []int32 // by place and state: the round in which it was last reached
	queue []reached
}

// reached is an entry of the queue: a state, and the edge that led there.
type reached struct {
	state  state
	visit  visit
	parent int32 // in the queue
	depth  int32
}

func newBreadth(s *search, p *pattern) *breadth {
	return &breadth{search: s, p: p, seen: make([]int32, len(s.members)*int(p.states))}
}

// from returns the shortest walk from a transaction back to itself, if it is
// shorter than limit. A limit of 0 is none.
func (b *breadth) from(start int32, limit int) []visit {
	b.round++
	goal := b.p.at(start, b.p.end)
	b.queue = append(b.queue[:0], reached{state: b.p.at(start, 0), parent: none})
	for at := 0; at < len(b.queue); at++ {
		if limit > 0 && int(b.queue[at].depth)+1 >= limit {
			return nil
		}
		if b.expand(int32(at), goal) {
			return b.walk()
		}
	}
	return nil
}

// expand enters what can be reached in one step. It reports whether the last one
// entered is the goal.
func (b *breadth) expand(at int32, goal state) bool {
	here := b.queue[at]
	node := b.p.node(here.state)
	for _, e := range b.g.of(node) {
		b.looked++
		place := b.places[e.to()] - 1
		to := b.p.step(here.state, e)
		if place < 0 || to == stop {
			continue
		}
		mark := &b.seen[place*b.p.states+int32(to)%b.p.states]
		if *mark == b.round && to != goal {
			continue
		}
		*mark = b.round
		v := visit{from: node, to: e.to(), link: e.link()}
		b.queue = append(b.queue, reached{state: to, visit: v, parent: at, depth: here.depth + 1})
		if to == goal {
			return true
		}
	}
	return false
}

// walk returns the edges that led to the end of the queue.
func (b *breadth) walk() []visit {
	var walk []visit
	for at := int32(len(b.queue) - 1); b.queue[at].parent != none; at = b.queue[at].parent {
		walk = append(walk, b.queue[at].visit)
	}
	for i, j := 0, len(walk)-1; i < j; i, j = i+1, j-1 {
		walk[i], walk[j] = walk[j], walk[i]
	}
	return walk
}
