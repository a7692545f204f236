package command

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

func TestShootoutTables(t *testing.T) {
	got := runBench(t, t.Context(), "shootout", "--duration", "300ms", "--rtt", "0,400us", "--clients", "1,64", "--seed", "3")
	for _, want := range []string{
		"add, round trip 0s: µs a transaction", "update, round trip 400µs: µs a transaction",
		"coarse: min", "object-level: min", "mean", "median", "max", "coarse/s", "ratio", "round trip",
		"update, 2016, a round trip of about 400µs",
		"64            10,933  159,925  128,806  293,377            162,063  163,335  162,215  169,989            0.98",
		"goal", "at least", "at most", "reached", "round trips 0s,400µs, clients 1,64", "of 6 goals reached",
	} {
		if !strings.Contains(got.out, want) {
			t.Errorf("the output has no %q", want)
		}
	}
	if strings.Contains(got.out, "2016, a round trip of about 0s") {
		t.Error("there are original figures of a network that was not measured")
	}
}

func TestShootoutJSON(t *testing.T) {
	file := filepath.Join(t.TempDir(), "r.json")
	runBench(t, t.Context(), "shootout", "--duration", "200ms", "--rtt", "400us", "--clients", "1,3", "--shared", "50", "--json", file)
	result := readJSON(t, file)
	figures := result["figures"].([]any)
	if len(figures) != 2*2*2 {
		t.Fatalf("%d figures of 2 operations, 2 numbers of clients, 2 granularities", len(figures))
	}
	first := figures[0].(map[string]any)
	for name, want := range map[string]any{"round_trip_us": json.Number("400"), "clients": json.Number("1"), "locks": "coarse", "op": "add"} {
		if first[name] != want {
			t.Errorf("%s is %v, want %v", name, first[name], want)
		}
	}
	for _, name := range []string{"round_trip_achieved_us", "transactions_per_second", "transactions", "rounds"} {
		if n, is := first[name].(json.Number); !is || n == "0" {
			t.Errorf("%s is %v, want a number above 0", name, first[name])
		}
	}
	if spread := first["transaction_us"].(map[string]any); len(spread) != 4 {
		t.Errorf("the times are %v, want min, mean, median and max", spread)
	}
	if n := len(result["gains"].([]any)); n != 4 {
		t.Errorf("%d gains of 2 operations and 2 numbers of clients", n)
	}
	if n := len(result["originals_2016"].([]any)); n != 28 {
		t.Errorf("%d original figures, want 28", n)
	}
	options := result["options"].(map[string]any)
	if options["rtt"] != "400µs" || options["clients"] != "1,3" || options["shared"] != json.Number("50") {
		t.Errorf("options %v", options)
	}
}

func TestLists(t *testing.T) {
	values := []int{1}
	flag := numbers(&values)
	if err := flag.Set(" 1, 2,64"); err != nil || flag.String() != "1,2,64" {
		t.Errorf("read %v, %v", values, err)
	}
	for _, bad := range []string{"", "1,", "one", "1,1", "1.5"} {
		if err := flag.Set(bad); err == nil || flag.String() != "1,2,64" {
			t.Errorf("Set(%q) = %v, and the values are %v", bad, err, values)
		}
	}
	if (list[int]{}).String() != "" {
		t.Error("the zero value is not empty")
	}
}

func TestMicros(t *testing.T) {
	for us, want := range map[float64]string{0.04: "0.0", 7.26: "7.3", 99.94: "99.9", 100.4: "100", 158512: "158,512"} {
		if got := micros(us); got != want {
			t.Errorf("%v µs are written %q, want %q", us, got, want)
		}
	}
	for ratio, want := range map[float64]string{0.976: "0.98", 12.34: "12.3", 1234.5: "1,235"} {
		if got := times(ratio); got != want {
			t.Errorf("the ratio %v is written %q, want %q", ratio, got, want)
		}
	}
}
