// Package tracked fills a kernel's table of tracked connections with entries that expire by themselves.
package tracked
