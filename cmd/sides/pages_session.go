package main

import (
	"crypto/rand"
	"sync"
	"time"
)

// A session ends when it has not been used for so long; of more than maxSessions the one that was used longest ago goes.
const (
	sessionLife = 2 * time.Hour
	maxSessions = 1000
)

// session is what the pages know of one browser. It is locked for the length of a request.
type session struct {
	mu    sync.Mutex
	id    string // guarded by sessions.mu, as used is
	used  time.Time
	token string // of the session's forms

	lang, look string
	holder     *traveller // who has logged in; nil: nobody
	subject    *traveller // whose code this is about: the holder or one of the family
	waiting    *traveller // who has given a document and a phone, but no code yet
	sms        *smsCode
	captcha    captcha
	trip       trip
	landed     *landed
	linked     bool // came by the link of a text message
}

// become is a login, after which nothing of whoever used the session before is left.
func (s *session) become(who traveller) {
	s.holder, s.subject, s.waiting, s.sms = &who, &who, nil, nil
	s.trip = trip{}
}

type sessions struct {
	mu   sync.Mutex
	byID map[string]*session
}

func newSessions() *sessions { return &sessions{byID: map[string]*session{}} }

// begin makes a session with an id and a form token of 128 random bits each.
func (s *sessions) begin(now time.Time) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.byID) >= maxSessions {
		s.dropOldest()
	}
	made := &session{id: rand.Text(), token: rand.Text(), used: now}
	s.byID[made.id] = made
	return made
}

func (s *sessions) dropOldest() {
	var oldest *session
	for _, one := range s.byID {
		if oldest == nil || one.used.Before(oldest.used) {
			oldest = one
		}
	}
	delete(s.byID, oldest.id)
}

// find is nil for an id that there is not, or no longer.
func (s *sessions) find(id string, now time.Time) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.byID[id]
	if found == nil {
		return nil
	}
	if now.Sub(found.used) > sessionLife {
		delete(s.byID, id)
		return nil
	}
	found.used = now
	return found
}

func (s *sessions) renew(one *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, one.id)
	one.id = rand.Text()
	s.byID[one.id] = one
}

func (s *sessions) end(one *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, one.id)
}
