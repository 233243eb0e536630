package api

import (
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts requests and outcomes. Every label is from a closed set: path templates, statuses, problem ids, routes.
type metrics struct {
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	outcomes  *prometheus.CounterVec
}

func newMetrics(registry *prometheus.Registry, inFlight func() float64) (*metrics, error) {
	made := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "crosscode_http_requests_total", Help: "Requests answered, by path template and status.",
		}, []string{"route", "status"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "crosscode_http_request_seconds", Help: "How long requests took, by path template.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route"}),
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "crosscode_exchanges_total",
			Help: `Packets answered, by reason ("issued" for a code) and route ("none" where it is not known).`,
		}, []string{"reason", "route"}),
	}
	busy := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "crosscode_http_in_flight", Help: "Requests being worked on now.",
	}, inFlight)
	var faults []error
	for _, collector := range []prometheus.Collector{made.requests, made.durations, made.outcomes, busy} {
		faults = append(faults, registry.Register(collector))
	}
	return made, errors.Join(faults...)
}

func (m *metrics) observe(route string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	m.durations.WithLabelValues(route).Observe(took.Seconds())
}

func (m *metrics) outcome(reason, route string) {
	m.outcomes.WithLabelValues(reason, route).Inc()
}
