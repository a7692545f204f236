package storage_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/storage"
)

// The keys of the scan promise are numbers. In each block of 1000 the first half
// has one lasting key in ten, among others that come and go; the second half has
// only such, so that its leaves are dropped and made again.
const (
	block   = 1_000
	numbers = 8 * block
)

func lasts(number int) bool { return number%block < block/2 && number%10 == 0 }

func numberKey(number int) []byte { return fmt.Appendf(nil, "%06d", number) }

func numberOf(o *storage.Object) int {
	number := 0
	for _, digit := range o.Key() {
		number = number*10 + int(digit-'0')
	}
	return number
}

// TestScanPromise: while others insert and remove around them, splitting and
// dropping leaves, each scan meets every object that lasts once, in order. Of the
// others nothing is promised: a scan downwards may meet one that came to a leaf
// whose upper neighbour was dropped, even above its range.
func TestScanPromise(t *testing.T) {
	s, randoms := storage.New(), split(t)
	lasting := make(map[int]*storage.Object)
	for number := range numbers {
		if lasts(number) {
			lasting[number] = storage.NewObject(numberKey(number), uint64(number)+1)
			s.InsertOrdered(lasting[number])
		}
	}
	var writers, readers sync.WaitGroup
	var over atomic.Bool
	var most, least atomic.Int64
	least.Store(numbers)
	for g := range 3 {
		writers.Go(func() { comeAndGo(s, randoms(g), g, &most, &least) })
	}
	for g := range 3 {
		readers.Go(func() {
			r := randoms(10 + g)
			for !over.Load() {
				scanForLasting(t, s, r, lasting)
			}
		})
	}
	writers.Wait()
	over.Store(true)
	readers.Wait()
	if err := s.CheckLeaves(); err != nil {
		t.Error(err)
	}
	// What one writer alone inserts in three blocks needs so many leaves.
	if few := int64(3 * block / 2 / 3 / 64); most.Load()-least.Load() < few {
		t.Errorf("between %d and %d leaves: too few were split and dropped", least.Load(), most.Load())
	}
}

// comeAndGo inserts and removes what does not last among the numbers of writer
// g: those that leave g when divided by 3.
func comeAndGo(s *storage.Store, r *rand.Rand, g int, most, least *atomic.Int64) {
	for range 60 {
		var mine []*storage.Object
		from := r.IntN(numbers/block) * block
		for number := from; number < min(from+3*block, numbers); number++ {
			if number%3 == g && !lasts(number) {
				mine = append(mine, storage.NewObject(numberKey(number), uint64(number)+1))
			}
		}
		r.Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
		for _, o := range mine {
			s.InsertOrdered(o)
		}
		most.Store(max(most.Load(), int64(s.Leaves())))
		for _, o := range mine {
			s.RemoveOrdered(o)
		}
		least.Store(min(least.Load(), int64(s.Leaves())))
	}
}

// scanForLasting scans a random range in a random direction.
func scanForLasting(t *testing.T, s *storage.Store, r *rand.Rand, lasting map[int]*storage.Object) {
	lo := r.IntN(numbers)
	hi := lo + r.IntN(numbers-lo) + 1
	next, step := lo, 1
	c := s.Ascend(numberKey(lo), numberKey(hi))
	if r.IntN(2) == 0 {
		c = s.Descend(numberKey(lo), numberKey(hi))
		next, step = hi-1, -1
	}
	for o := c.Next(); o != nil; o = c.Next() {
		number := numberOf(o)
		if !lasts(number) {
			continue
		}
		if number < lo || number >= hi {
			t.Errorf("met %d in a scan from %d to %d", number, lo, hi)
		}
		for ; next != number && next >= lo && next < hi; next += step {
			if lasts(next) {
				t.Errorf("scan from %d to %d, step %d: %d was not met, or not in order", lo, hi, step, next)
			}
		}
		if o != lasting[number] {
			t.Errorf("met another object of %d", number)
		}
		next += step
	}
	for ; next >= lo && next < hi; next += step {
		if lasts(next) {
			t.Errorf("scan from %d to %d, step %d: ended before %d", lo, hi, step, next)
		}
	}
}

// TestScanGoesOnFromDroppedLeaves: a scan that stands on a leaf that was split,
// and then dropped with all around it, goes on as if nothing had happened.
func TestScanGoesOnFromDroppedLeaves(t *testing.T) {
	s := storage.New()
	var objects []*storage.Object
	const n = 10 * storage.LeafSize
	for number := range n {
		objects = append(objects, storage.NewObject(numberKey(number), 1))
		s.InsertOrdered(objects[number])
	}
	up, down := s.Ascend(nil, nil), s.Descend(nil, nil)
	first, last := numberOf(up.Next()), numberOf(down.Next())
	for number := 1; number < n-1; number++ {
		s.RemoveOrdered(objects[number])
	}
	for i, got := range [][2]int{{first, 0}, {last, n - 1}} {
		if got[0] != got[1] {
			t.Errorf("scan %d began at %d", i, got[0])
		}
	}
	ends := func(c storage.Cursor, want int) {
		met := collect(c)
		if len(met) == 0 || numberOf(met[len(met)-1]) != want {
			t.Errorf("met %s, want %d at the end", list(met), want)
		}
	}
	ends(up, n-1)
	ends(down, 0)
	if err := s.CheckLeaves(); err != nil {
		t.Error(err)
	}
}

// TestReadersPassFrozenEdit: an edit of the ordered index and an insert into the
// table that stop half-way stop nobody who reads (I5). Others insert into other
// leaves and shards, too.
func TestReadersPassFrozenEdit(t *testing.T) {
	s := storage.New()
	object := func(number int) *storage.Object {
		return storage.NewObject(numberKey(number), s.Hash(numberKey(number)))
	}
	const n = 10 * storage.LeafSize
	for number := range n {
		if number%2 == 0 {
			s.Adopt(object(number))
		}
	}
	s.LockTable(object(0).Hash())
	s.FreezeLeaf(numberKey(0))
	if got := len(collect(s.Ascend(nil, nil))); got != n/2 {
		t.Errorf("met %d objects, want %d", got, n/2)
	}
	if got := len(collect(s.Descend(nil, nil))); got != n/2 {
		t.Errorf("met %d objects downwards, want %d", got, n/2)
	}
	for number := range n {
		if got := s.Get(numberKey(number)); (got != nil) != (number%2 == 0) {
			t.Errorf("lookup of %d found %v", number, got)
		}
	}
	s.InsertOrdered(object(n - 1))
	if got := collect(s.Descend(nil, nil))[0]; numberOf(got) != n-1 {
		t.Errorf("the last is %d, want %d", numberOf(got), n-1)
	}
}

// TestAppendsMeet: several append behind each other's keys, and are about to write to
// the same place of a leaf, while a scan looks at that end all the time.
func TestAppendsMeet(t *testing.T) {
	const inserters, each = 4, 20_000
	s := storage.New()
	var last atomic.Int64
	var over atomic.Bool
	var group, readers sync.WaitGroup
	for range inserters {
		group.Go(func() {
			for range each {
				number := int(last.Inc()) - 1
				s.InsertOrdered(storage.NewObject(numberKey(number), uint64(number)+1))
			}
		})
	}
	readers.Go(func() {
		for !over.Load() {
			before := inserters * each
			for at, looks := s.Descend(nil, nil), 0; looks < 2*storage.LeafSize; looks++ {
				o := at.Next()
				if o == nil {
					break
				}
				if numberOf(o) >= before {
					t.Errorf("%d below %d", numberOf(o), before)
				}
				before = numberOf(o)
			}
		}
	})
	group.Wait()
	over.Store(true)
	readers.Wait()
	met := collect(s.Ascend(nil, nil))
	for i, o := range met {
		if numberOf(o) != i {
			t.Fatalf("object %d is at place %d", numberOf(o), i)
		}
	}
	if len(met) != inserters*each {
		t.Errorf("%d objects, want %d", len(met), inserters*each)
	}
}

// TestKeysOfManyClientsFillLeaves: each goes on behind its own last key, in turns.
func TestKeysOfManyClientsFillLeaves(t *testing.T) {
	const clients, each = 16, 50 * storage.LeafSize
	s := storage.New()
	for i := range each {
		for c := range clients {
			s.InsertOrdered(storage.NewObject(numberKey(c*each+i), 1))
		}
	}
	full := clients * each / storage.LeafSize
	if got := s.Leaves(); got > full+full/10 {
		t.Errorf("%d leaves, %d would do", got, full)
	}
	if err := s.CheckLeaves(); err != nil {
		t.Error(err)
	}
}
