// Drives a daemon with go-redis 5, the one Debian has.
//
// usage: main SOCKET PASSWORD RESTART, where RESTART is a program that restarts the daemon and returns once it answers.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"

	"gopkg.in/redis.v5"
)

func check(condition bool, what string) {
	if !condition {
		fmt.Fprintln(os.Stderr, "not so:", what)
		os.Exit(1)
	}
}

func refused(err error, start string) {
	check(err != nil && strings.HasPrefix(err.Error(), start), fmt.Sprintf("'%v' begins with '%s'", err, start))
}

func connect(socket, password string) *redis.Client {
	return redis.NewClient(&redis.Options{Network: "unix", Addr: socket, Password: password, MaxRetries: 3})
}

func call(client *redis.Client, words ...interface{}) (interface{}, error) {
	command := redis.NewCmd(words...)
	client.Process(command)
	return command.Result()
}

func rate(user, item string, value int) *redis.Cmd { return redis.NewCmd("rate", user, item, value) }

func main() {
	socket, password, restart := os.Args[1], os.Args[2], os.Args[3]
	refused(connect(socket, "").Ping().Err(), "NOAUTH")
	refused(connect(socket, "wrong").Ping().Err(), "WRONGPASS")
	client := connect(socket, password)
	check(client.Ping().Err() == nil, "PING")
	hello, err := call(client, "hello", 2)
	check(err == nil && len(hello.([]interface{})) == 14, "HELLO 2")

	commands := make([]*redis.Cmd, 10000)
	_, err = client.Pipelined(func(pipeline *redis.Pipeline) error {
		for n := range commands {
			commands[n] = rate(fmt.Sprint("g", n%100), fmt.Sprint("i", n%50+1), n%5+1)
			pipeline.Process(commands[n])
		}
		return nil
	})
	check(err == nil, fmt.Sprint("a pipeline of 10,000: ", err))
	check(strings.Contains(commands[9999].Val().(string), ":"), "the last token")

	tea, rum := rate("tx", "tea", 5), rate("tx", "rum", 1)
	_, err = client.TxPipelined(func(pipeline *redis.Pipeline) error {
		pipeline.Process(tea)
		return pipeline.Process(rum)
	})
	check(err == nil && tea.Err() == nil && rum.Err() == nil, fmt.Sprint("MULTI and EXEC: ", err))
	_, err = call(client, "recommend", "g1", "count", -1)
	refused(err, "ERR COUNT is '-1'")
	big := strings.Repeat("x", 1<<20)
	check(client.Echo(big).Val() == big, "ECHO of 1 MiB")
	check(exec.Command(restart).Run() == nil, "restart")
	check(client.Ping().Err() == nil, "PING after the restart")
	fmt.Println("fine: go-redis 5, RESP 2")
}
