package history

import "testing"

func TestTextIsReadBack(t *testing.T) {
	rng := newRand(t)
	for range rounds() {
		s := newSim(rng, 1+Key(rng.IntN(12)), 1+rng.IntN(4), Serializable, Snapshot)
		s.run(20)
		h := s.run(20)
		h.Own = append(h.Own, OwnRead{Txn: h.Txns[0].ID, Want: 1 << seqBits})
		text := h.Text()
		again, err := Parse(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if got := again.Text(); got != text {
			t.Fatalf("wrote\n%s\nread\n%s", text, got)
		}
		a, b := h.Check(Serializable), again.Check(Serializable)
		if a.String() != b.String() {
			t.Fatalf("%v\nand read back\n%v", &a, &b)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"t1":                           `line 1: "t1" has no colon`,
		"\nx1: update":                 `line 2: "x1" is not a transaction, such as t12 or t3-12`,
		"t0: update":                   `line 1: "t0" is not a transaction, such as t12 or t3-12`,
		"t99999-1: update":             `line 1: "t99999-1" is not a transaction, such as t12 or t3-12`,
		"t1: fast":                     `line 1: "fast": not a word of a history`,
		"t1: 1..x":                     `line 1: "1..x": strconv.ParseInt: parsing "x": invalid syntax`,
		"t1: at=x":                     `line 1: "at=x": strconv.ParseUint: parsing "x": invalid syntax`,
		"t1: r(x)=7":                   `line 1: "r(x)=7": "7" is not a transaction, such as t12 or t3-12`,
		"t1: r(x)=t7.x":                `line 1: "r(x)=t7.x": "t7.x" is not a version, such as t12 or t12.3`,
		"t1: q(x)":                     `line 1: "q(x)": not a word of a history`,
		"t1: r(x":                      `line 1: "r(x": no closing parenthesis`,
		"t1: w(x)3":                    `line 1: "w(x)3": a dot and a number may follow`,
		"t1: w(x) d(x)":                `line 1: "d(x)": written before; only the last write of a key counts`,
		"keys: x\nt1: w(y)":            `line 2: "w(y)": key "y" is not in the list of keys`,
		"before: x=1":                  `line 1: "x=1": "1" is not a transaction, such as t12 or t3-12`,
		"own: t1(x)":                   `line 1: own takes a transaction with a key, want and got`,
		"own: t1(x) want=t1.1 got=t1.": `line 1: "t1." is not a version, such as t12 or t12.3`,
	} {
		if _, err := Parse(text); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

// FuzzParse reads any text as a history, and checks what it reads. Whatever is
// read must be written and read back the same, and neither may fail in another way
// than by an error.
func FuzzParse(f *testing.F) {
	for _, c := range allCases() {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		h, err := Parse(text)
		if err != nil {
			return
		}
		for _, level := range []Level{Serializable, Snapshot} {
			r := h.Check(level)
			if r.OK() != (len(r.Anomalies) == 0) {
				t.Errorf("OK is %v, and found %v", r.OK(), r.Anomalies)
			}
		}
		text = h.Text()
		again, err := Parse(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if got := again.Text(); got != text {
			t.Errorf("wrote\n%s\nread\n%s", text, got)
		}
	})
}
