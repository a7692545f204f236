package workload

import (
	"runtime"
	"time"
)

// Usage is what the whole process used during a run.
type Usage struct {
	CPU        time.Duration `json:"cpu_ns"`            // user and system; 0 where the platform does not tell
	Allocs     uint64        `json:"allocations"`       // objects
	Bytes      uint64        `json:"allocated_bytes"`   // of those objects
	GCs        uint32        `json:"gc_cycles"`         // collections that ended
	GCPause    time.Duration `json:"gc_pause_total_ns"` // everything stood still
	GCPauseMax time.Duration `json:"gc_pause_max_ns"`   // among the last 256 collections
}

// Meter remembers the counters of the process at the start of a run.
type Meter struct {
	mem runtime.MemStats
	cpu CPU
}

// StartMeter reads the counters now.
func StartMeter() *Meter {
	m := new(Meter)
	runtime.ReadMemStats(&m.mem)
	m.cpu = ProcessCPU()
	return m
}

// Stop returns what was used since StartMeter.
func (m *Meter) Stop() Usage {
	cpu := ProcessCPU().Minus(m.cpu).Total()
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	return Usage{
		CPU:        cpu,
		Allocs:     now.Mallocs - m.mem.Mallocs,
		Bytes:      now.TotalAlloc - m.mem.TotalAlloc,
		GCs:        now.NumGC - m.mem.NumGC,
		GCPause:    time.Duration(now.PauseTotalNs - m.mem.PauseTotalNs),
		GCPauseMax: longestPause(&now, now.NumGC-m.mem.NumGC),
	}
}

// longestPause looks through the last n pauses, of which the runtime keeps as
// many as its ring holds.
func longestPause(mem *runtime.MemStats, n uint32) time.Duration {
	ring := uint32(len(mem.PauseNs))
	var longest uint64
	for i := range min(n, ring) {
		longest = max(longest, mem.PauseNs[(mem.NumGC-1-i)%ring])
	}
	return time.Duration(longest)
}
