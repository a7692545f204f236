// Package report turns the results of an experiment into what a person or a
// program reads: tables, JSON, plots, and a progress line while one waits. It
// knows nothing of transactions.
package report
