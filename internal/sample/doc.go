// Package sample is the shape of one probe sample, of the schedule it was taken on, and of the blocks that carry
// samples through the journal.
package sample
