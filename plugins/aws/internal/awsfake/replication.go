package awsfake

import "time"

// cut is when something arrives that was on its way when replication was cut.
func cut() time.Time { return time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC) }

// Replicate makes what is written in one region arrive in the others after so long.
func (s *Server) Replicate(lag time.Duration) { s.set(func(k *knobs) { k.replication = lag }) }

// CutReplication keeps whatever has not arrived, and whatever is written from now on, from arriving.
func (s *Server) CutReplication() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.knobs.cut = true
	s.onItsWay(func(at time.Time) time.Time {
		if at.After(time.Now()) {
			return cut()
		}
		return at
	})
}

// MendReplication lets everything arrive now.
func (s *Server) MendReplication() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.knobs.cut = false
	s.onItsWay(func(at time.Time) time.Time {
		if at.Equal(cut()) {
			return time.Now()
		}
		return at
	})
}

// Lost counts the copies that do not arrive.
func (s *Server) Lost() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onItsWay(func(at time.Time) time.Time {
		if at.Equal(cut()) {
			n++
		}
		return at
	})
	return n
}

// onItsWay changes when copies arrive. Needs the lock.
func (s *Server) onItsWay(change func(time.Time) time.Time) {
	for _, r := range s.regions {
		for _, t := range r.now.Dynamo.Tables {
			for _, i := range t.Items {
				i.Visible = change(i.Visible)
			}
		}
		for _, b := range r.now.S3.Buckets {
			for _, o := range b.Objects {
				o.Visible = change(o.Visible)
			}
		}
	}
}

// arrives is when what is written now arrives in another region. Needs the lock.
func (s *Server) arrives() time.Time {
	if s.knobs.cut {
		return cut()
	}
	return time.Now().Add(s.knobs.replication)
}
