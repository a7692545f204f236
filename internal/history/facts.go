package history

// facts is what the graph is made of: who wrote which version, who read it.
type facts struct {
	txns  []Txn
	order order

	// at is the version that each read returned, or none if that is not known;
	// those of transaction i begin at from[i].
	from []int32
	at   []int32

	unread []unread // by key; Lists only
}

// reads calls fn with each key that transaction i read, and the version.
func (f *facts) reads(i int32, fn func(n int, k Key, p int32)) {
	for n, r := range f.txns[i].Reads {
		if p := f.at[int(f.from[i])+n]; p != none {
			fn(n, r.Key, p)
		}
	}
}

// gaps calls fn with each key that transaction i found to be absent in a range,
// and the version that says so. If there is none, p is none.
func (f *facts) gaps(i int32, fn func(k Key, p int32)) {
	t := &f.txns[i]
	for _, r := range t.Empty {
		for k := r.Lo; k < min(r.Hi, Key(f.order.keys())); k++ {
			p := f.order.shown(k, t.Snapshot)
			fn(k, f.order.nothing(k, p))
		}
	}
}

// edges calls add with every edge between two transactions.
func (f *facts) edges(add func(from, to int32, l link)) {
	between := func(from, to int32, l link) {
		if from != none && to != none && from != to {
			add(from, to, l)
		}
	}
	for k := range f.order.keys() {
		for p := f.order.first[k] + 2; p < f.order.first[k+1]; p++ {
			between(f.order.all[p-1].writer, f.order.all[p].writer, ww)
		}
	}
	for i := range f.txns {
		f.edgesOf(int32(i), between)
	}
}

// edgesOf calls add with the edges that what transaction i read makes.
func (f *facts) edgesOf(i int32, add func(from, to int32, l link)) {
	away := f.away(i)
	f.reads(i, func(_ int, _ Key, p int32) {
		before, after := f.around(p)
		add(before, i, wr)
		add(i, after, away)
	})
	if away == rw {
		away = emptyRW
	} else {
		away = looseEmptyRW
	}
	f.gaps(i, func(_ Key, p int32) {
		if p != none {
			before, after := f.around(p)
			add(before, i, emptyWR)
			add(i, after, away)
		}
	})
}

// away returns the link to who overwrote what transaction i read. An update
// transaction at Snapshot need not be where it read, but if it wrote nothing.
func (f *facts) away(i int32) link {
	if t := &f.txns[i]; t.Level == Snapshot && t.wrote() {
		return looseRW
	}
	return rw
}

// around returns the transactions after and before which everybody comes who saw
// the version at p.
func (f *facts) around(p int32) (before, after int32) {
	e := &f.order.all[p]
	before, after = f.order.all[e.since].writer, none
	if e.until != none {
		after = f.order.all[e.until].writer
	}
	return before, after
}
