package pressure

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Chunk is the unit in which memory is taken and given back, in bytes.
const Chunk = 4 << 20

// Memory is what is held, in chunks of which every page is resident.
type Memory struct{ held [][]byte }

// First makes this process the one that the kernel kills first when memory runs out.
func First() error {
	if err := os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0); err != nil {
		return fmt.Errorf("becoming the first that the kernel would kill: %w", err)
	}
	return nil
}

// Bytes is how much is held.
func (m *Memory) Bytes() int64 { return int64(len(m.held)) * Chunk }

// Take maps one chunk more and touches every page of it.
func (m *Memory) Take() error {
	b, err := unix.Mmap(-1, 0, Chunk, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return fmt.Errorf("taking memory: %w", err)
	}
	// Where it may be locked it cannot be swapped out, which would turn the pressure into disk traffic.
	_ = unix.Mlock(b)
	for i := 0; i < len(b); i += os.Getpagesize() {
		b[i] = 1
	}
	m.held = append(m.held, b)
	return nil
}

// Give gives the last chunk back.
func (m *Memory) Give() error {
	last := len(m.held) - 1
	if err := unix.Munmap(m.held[last]); err != nil {
		return fmt.Errorf("giving memory back: %w", err)
	}
	m.held = m.held[:last]
	return nil
}
