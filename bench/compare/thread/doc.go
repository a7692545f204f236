// Package thread measures the processor time of one goroutine, by tying it to a
// thread of the system. So what readers cost can be told from what the writers
// beside them cost.
package thread
