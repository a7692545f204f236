package stress

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tierceldb/tiercel/txnmgr"
)

// Prefixes of the key ranges that the kinds work on.
const (
	accountPrefix = "account/"
	hotPrefix     = "hot/"
	batchPrefix   = "batch/"
	skewPrefix    = "skew/"
	claimPrefix   = "claim/"
	churnPrefix   = "churn/"
	savePrefix    = "save/"
	pointPrefix   = "point/"
)

// Sizes that need no flag: few enough that goroutines meet, several so that
// they also work side by side.
const (
	openingBalance = 100
	batchGroups    = 4
	batchKeys      = 8
	skewPairs      = 4
	claimRanges    = 4
)

// lost is the value of every write that is never committed.
const lost = int64(-424_242)

// layout holds the keys of a run, made once so that the goroutines need not.
type layout struct {
	accounts [][]byte
	hot      [][]byte
	batch    [batchGroups][][]byte
	skew     [skewPairs][2][]byte
	claims   [claimRanges][]byte // the prefix of each range
	initial  []entry             // everything stored before the first goroutine starts, in key order
}

func newLayout(opts Options) *layout {
	l := &layout{accounts: keys(accountPrefix, opts.Accounts), hot: keys(hotPrefix, opts.Hot)}
	for g := range l.batch {
		l.batch[g] = keys(fmt.Sprintf("%s%d/", batchPrefix, g), batchKeys)
	}
	for p := range l.skew {
		pair := keys(fmt.Sprintf("%s%d/", skewPrefix, p), 2)
		l.skew[p] = [2][]byte{pair[0], pair[1]}
	}
	for r := range l.claims {
		l.claims[r] = fmt.Appendf(nil, "%s%d/", claimPrefix, r)
	}
	l.initial = l.firstState()
	return l
}

func keys(prefix string, n int) [][]byte {
	list := make([][]byte, n)
	for i := range list {
		list[i] = fmt.Appendf(nil, "%s%08d", prefix, i)
	}
	return list
}

// firstState lists what is stored before the run.
func (l *layout) firstState() []entry {
	var state []entry
	add := func(keys [][]byte, value int64) {
		for _, k := range keys {
			state = append(state, entry{k, encode(value)})
		}
	}
	add(l.accounts, openingBalance)
	add(l.hot, 0)
	for _, group := range l.batch {
		add(group, 0)
	}
	for _, pair := range l.skew {
		add(pair[:], 1)
	}
	slices.SortFunc(state, func(a, b entry) int { return strings.Compare(string(a.key), string(b.key)) })
	return state
}

// total is the constant sum of all balances.
func (l *layout) total() int64 { return int64(len(l.accounts)) * openingBalance }

// span is the range of keys with a prefix.
type span struct{ lo, hi []byte }

func prefixed(prefix string) span {
	return span{[]byte(prefix), txnmgr.PrefixEnd([]byte(prefix))}
}
