//go:build !linux

package memory

func anonymous() int64 { return 0 }
