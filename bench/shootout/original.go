package shootout

import (
	"fmt"
	"strings"
	"time"

	"github.com/tierceldb/tiercel/bench/report"
	"github.com/tierceldb/tiercel/txnmgr"
)

// Original is a line of the tables of 2016.
type Original struct {
	Setup
	Op            Op
	report.Spread // of the clients' means, in µs a transaction
}

// Originals returns the lines with the round trip; there were two networks: a home
// line of about 20 ms and 1 MB/s to a machine in the cloud, and 0.4 ms within a
// cluster. One lock there was the global lock of the storage server.
func Originals(roundTrip time.Duration) []Original {
	var found []Original
	for line := range strings.Lines(originals) {
		if o, err := parseOriginal(line); err == nil && o.RoundTrip == roundTrip {
			found = append(found, o)
		}
	}
	return found
}

func parseOriginal(line string) (Original, error) {
	var o Original
	var roundTrip, locks, op string
	_, err := fmt.Sscan(strings.ReplaceAll(line, ",", " "), &roundTrip, &locks, &o.Clients, &op, &o.Min, &o.Mean, &o.Median, &o.Max)
	if err != nil {
		return o, err
	}
	if o.RoundTrip, err = time.ParseDuration(roundTrip); err != nil {
		return o, err
	}
	o.Locks = txnmgr.CoarseLock
	if locks == "object" {
		o.Locks = txnmgr.ObjectLocks
	}
	if op == Update.String() {
		o.Op = Update
	}
	return o, nil
}

// originals are the figures of Object-level locking for ZODB (2016): objects of 999
// bytes, three a transaction, 1,000 transactions a client. The columns are the
// round trip, the locks, the clients, what they did, and min, mean, median and max
// of the clients' means, in µs a transaction.
const originals = `20ms,global,1,add,54542,54542,54542,54542
20ms,global,1,update,37346,37346,37346,37346
20ms,global,2,add,58374,58386,58374,58397
20ms,global,2,update,41087,41094,41101,41101
20ms,global,4,add,73374,76554,76299,78991
20ms,global,4,update,48818,62618,53405,88154
20ms,global,8,add,76706,118757,166185,166185
20ms,global,8,update,51508,103034,157476,157476
20ms,global,16,add,78970,204731,177936,335452
20ms,global,16,update,56742,190900,190641,326105
20ms,global,32,add,76734,394857,558555,719873
20ms,global,32,update,64355,376589,532705,693523
20ms,object,1,add,53784,53784,53784,53784
20ms,object,1,update,37235,37235,37235,37235
20ms,object,2,add,56812,56895,56978,56978
20ms,object,2,update,38858,38890,38858,38922
20ms,object,4,add,63383,63886,63383,64367
20ms,object,4,update,42428,42830,42428,43402
20ms,object,8,add,67187,68413,69152,69558
20ms,object,8,update,46526,47193,47784,47931
20ms,object,16,add,112624,113544,114932,114932
20ms,object,16,update,103852,104366,105018,105018
20ms,object,32,add,270882,280825,274562,285359
20ms,object,32,update,230653,242243,240713,257380
400us,global,1,add,5867,5867,5867,5867
400us,global,1,update,4800,4800,4800,4800
400us,global,2,add,5776,5777,5776,5778
400us,global,2,update,4863,4867,4863,4871
400us,global,4,add,6718,6734,6748,6748
400us,global,4,update,5894,5900,5896,5908
400us,global,8,add,7916,11215,7916,15178
400us,global,8,update,7006,10687,7006,15324
400us,global,16,add,9578,22702,34650,35616
400us,global,16,update,8069,21157,20549,34220
400us,global,32,add,10940,54382,78942,94904
400us,global,32,update,9117,52074,46486,92650
400us,global,64,add,15051,158512,127817,294296
400us,global,64,update,10933,159925,128806,293377
400us,object,1,add,5964,5964,5964,5964
400us,object,1,update,4965,4965,4965,4965
400us,object,2,add,5888,5912,5937,5937
400us,object,2,update,5033,5035,5037,5037
400us,object,4,add,6637,6690,6665,6761
400us,object,4,update,5656,5701,5698,5728
400us,object,8,add,11819,11965,11903,12176
400us,object,8,update,9381,9717,9719,9808
400us,object,16,add,17628,20746,19320,22360
400us,object,16,update,15303,17996,18156,19478
400us,object,32,add,54045,57384,54090,60694
400us,object,32,update,49044,51286,51794,54496
400us,object,64,add,171574,173295,171819,181187
400us,object,64,update,162063,163335,162215,169989`
