package durable

import "github.com/tierceldb/tiercel/storage/commitlog"

// spares makes segments of the log ready before they are needed: to fill one with
// zeros takes as long as some hundred commits, and they would have to wait for it.
type spares struct {
	log  *commitlog.Log
	wake chan struct{} // one element
	quit chan struct{}
	gone chan struct{}
}

func (p *spares) start(log *commitlog.Log) {
	p.log = log
	p.wake, p.quit, p.gone = make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	go p.run()
}

// look is called now and then.
func (p *spares) look() {
	if p.log.Short() {
		select {
		case p.wake <- struct{}{}:
		default:
		}
	}
}

func (p *spares) run() {
	defer close(p.gone)
	for {
		select {
		case <-p.quit:
			return
		case <-p.wake:
			if p.log.Short() && p.log.AddSpare() == nil { // else whoever needs it is told
				p.look()
			}
		}
	}
}

func (p *spares) stop() {
	close(p.quit)
	<-p.gone
}
