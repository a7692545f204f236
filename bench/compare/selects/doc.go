// Package selects measures read-only transactions of one object each, on data ten
// times larger than the memory that a store is given for its caches.
//
// Every contestant has the same objects, was closed after they were stored, and was
// opened again. All are open at the same time and take turns.
package selects
