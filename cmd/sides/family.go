package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// child is one side's process.
type child struct {
	command *exec.Cmd
	leash   io.Closer // the child's standard input: closing it stops the child
}

// serveAll runs the three sides as child processes of this program, and ends when it is told to or when one of them does.
func (c serveCommand) serveAll(ctx context.Context, std streams) error {
	addresses, err := c.addresses()
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	ended := make(chan error, len(sides))
	var children []child
	for _, one := range sides {
		started, err := c.start(program, one, addresses[one.id], std, ended)
		if err != nil {
			return errors.Join(err, stopAll(children, ended))
		}
		children = append(children, started)
	}
	select {
	case <-ctx.Done():
		return stopAll(children, ended)
	case err := <-ended:
		rest := stopAll(children, ended, err)
		return cmp.Or(rest, errors.New("a side ended by itself"))
	}
}

// addresses reads --listen as SIDE=ADDRESS.
func (c serveCommand) addresses() (map[string]string, error) {
	addresses := map[string]string{}
	for _, one := range sides {
		addresses[one.id] = one.listen
	}
	for _, given := range c.Listen {
		id, address, found := strings.Cut(given, "=")
		if _, err := sideByID(id); err != nil || !found {
			return nil, usagef("--listen: with --all it is SIDE=ADDRESS, such as macau=127.0.0.1:9082")
		}
		addresses[id] = address
	}
	return addresses, nil
}

// start runs one side in a process group of its own, so that a Ctrl-C at the terminal reaches this program alone, which
// then stops the sides in order.
func (c serveCommand) start(program string, of side, address string, std streams, ended chan<- error) (child, error) {
	args := []string{"serve", "--leash", "--side", of.id, "--listen", address, "--gateway", c.Gateway, "--data", c.Data}
	if c.Audience != "" {
		args = append(args, "--audience", c.Audience)
	}
	for _, one := range c.Pin {
		args = append(args, "--pin", string(one))
	}
	//nolint:gosec,noctx // this very program; it is stopped by signal and leash, not killed with a context
	command := exec.Command(program, args...)
	command.Stdout, command.Stderr = std.out, std.err
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	leash, err := command.StdinPipe()
	if err != nil {
		return child{}, err
	}
	if err := command.Start(); err != nil {
		return child{}, fmt.Errorf("starting %s: %w", of.id, err)
	}
	go func() {
		defer func() { _ = recover() }()
		err := command.Wait()
		if err != nil {
			err = fmt.Errorf("%s: %w", of.id, err)
		}
		ended <- err
	}()
	return child{command: command, leash: leash}, nil
}

// stopAll lets every child go and waits for those that have not been heard of; after ten seconds they are killed. The leash
// alone tells them, and not a signal as well, which could come when the child has already stopped and then kill it.
func stopAll(children []child, ended <-chan error, heard ...error) error {
	for _, one := range children {
		_ = one.leash.Close()
	}
	errs := heard
	patience := time.NewTimer(10 * time.Second)
	defer patience.Stop()
	for len(errs) < len(children) {
		select {
		case err := <-ended:
			errs = append(errs, err)
		case <-patience.C:
			for _, one := range children {
				_ = one.command.Process.Kill()
			}
			return errors.Join(append(errs, errors.New("a side did not stop within 10 s and was killed"))...)
		}
	}
	return errors.Join(errs...)
}
