// Package capacity is what a region's control API grants: how many instances, and how fast.
package capacity
