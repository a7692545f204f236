package history

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// drawn is a random graph, and its edges one by one.
type drawn struct {
	n     int
	edges []leg
}

func draw(rng *rand.Rand) drawn {
	d := drawn{n: 2 + rng.IntN(9)}
	for range rng.IntN(3 * d.n) {
		from, to := int32(rng.IntN(d.n)), int32(rng.IntN(d.n))
		if from != to {
			d.edges = append(d.edges, leg{from, to, link(rng.IntN(int(numLinks)))})
		}
	}
	return d
}

func (d drawn) graph() *graph {
	return newGraph(d.n, func(add func(from, to int32, l link)) {
		for _, e := range d.edges {
			add(e.from, e.to, e.link)
		}
	})
}

// distances returns the length of the shortest walk from any state to any other, or
// 0, by trying all ways through all states.
func (d drawn) distances(p *pattern) [][]int {
	n := d.n * int(p.states)
	dist := make([][]int, n)
	for i := range dist {
		dist[i] = make([]int, n)
	}
	for _, e := range d.edges {
		for s := range int8(p.states) {
			if next := p.next[s][e.link]; next != stop {
				dist[p.at(e.from, s)][p.at(e.to, next)] = 1
			}
		}
	}
	for k := range n {
		for i := range n {
			for j := range n {
				if a, b := dist[i][k], dist[k][j]; a > 0 && b > 0 && (dist[i][j] == 0 || a+b < dist[i][j]) {
					dist[i][j] = a + b
				}
			}
		}
	}
	return dist
}

func patterns() []*pattern {
	without := dependencies() &^ linksOf(realTime)
	return []*pattern{
		newPattern(linksOf(ww), never), newPattern(without, never), newPattern(without, once),
		newPattern(dependencies(), once), newPattern(without, apart), newPattern(dependencies(), apart),
		newPattern(dependencies(), often), newPattern(dependencies(), oftenSerializable),
	}
}

// TestComponents compares the components with who can reach whom and be reached.
func TestComponents(t *testing.T) {
	rng := newRand(t)
	for range 5 * rounds() {
		d := draw(rng)
		for _, p := range patterns() {
			dist := d.distances(p)
			component := make([]int, len(dist))
			number := 0
			findComponents(d.graph(), p, func(states []state) {
				number++
				for _, s := range states {
					component[s] = number
				}
			})
			for i := range dist {
				for j := range dist {
					together := i != j && dist[i][j] > 0 && dist[j][i] > 0
					if i != j && together != (component[i] == component[j] && component[i] > 0) {
						t.Fatalf("%+v: states %d and %d, components %v", d, i, j, component)
					}
				}
			}
		}
	}
}

// TestShortestCycle compares the length of the cycles found with that of the shortest.
func TestShortestCycle(t *testing.T) {
	rng := newRand(t)
	for range 5 * rounds() {
		d := draw(rng)
		var members []int32
		for i := range d.n {
			members = append(members, int32(i))
		}
		for _, p := range patterns() {
			dist := d.distances(p)
			want := 0
			for i := range d.n {
				if n := dist[p.at(int32(i), 0)][p.at(int32(i), p.end)]; n > 0 && (want == 0 || n < want) {
					want = n
				}
			}
			cycle := newSearch(d.graph(), int32(d.n), members, make([]int32, d.n)).shortest(p, patience)
			if len(cycle) != want {
				t.Fatalf("%+v: found %v, want length %d", d, cycle, want)
			}
			checkCycle(t, d, cycle)
		}
	}
}

// checkCycle checks that a cycle is one, and is made of edges that there are.
func checkCycle(t *testing.T, d drawn, cycle []leg) {
	for i, l := range cycle {
		if !slices.Contains(d.edges, l) || l.to != cycle[(i+1)%len(cycle)].from {
			t.Fatalf("%+v: %v is no cycle", d, cycle)
		}
	}
}

// TestRealTimeEdges compares what the points in time lead to with the times.
func TestRealTimeEdges(t *testing.T) {
	rng := newRand(t)
	for range rounds() {
		var txns []Txn
		for range 1 + rng.IntN(12) {
			start := rng.Int64N(30)
			txns = append(txns, Txn{Start: start, Finish: start + rng.Int64N(10), Outcome: Outcome(rng.IntN(3))})
		}
		d := drawn{n: 2 * len(txns)}
		n := newTimeline(txns).edges(int32(len(txns)), func(from, to int32, l link) {
			d.edges = append(d.edges, leg{from, to, l})
		})
		if int(n) > len(txns) || len(d.edges) > 3*len(txns) {
			t.Fatalf("%d points, %d edges for %d transactions", n, len(d.edges), len(txns))
		}
		dist := d.distances(newPattern(linksOf(realTime), never))
		for i, a := range txns {
			for j, b := range txns {
				want := a.Outcome != Unknown && a.Finish < b.Start
				if got := i != j && dist[i][j] > 0; got != want {
					t.Fatalf("%d before %d is %v, want %v, in %+v", i, j, got, want, txns)
				}
			}
		}
	}
}
