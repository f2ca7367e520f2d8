# Drives a daemon with redis-rb. usage: ruby_redis.rb SOCKET PASSWORD RESTART
# RESTART is a program that restarts the daemon and returns once it answers.
require "redis"

socket, password, restart = ARGV

def check(condition, what)
  abort "not so: #{what}" unless condition
end

def refused(start)
  yield
rescue Redis::BaseError => error
  check(error.message.start_with?(start), "'#{error.message}' begins with '#{start}'")
else
  abort "not refused: #{start}"
end

refused("NOAUTH") { Redis.new(path: socket).call("PING") }
refused("WRONGPASS") { Redis.new(path: socket, password: "wrong").ping }
client = Redis.new(path: socket, password: password)
check(client.ping == "PONG", "PING")
hello = client.call("HELLO", 2)
check(hello.each_slice(2).to_h["proto"] == 2, "HELLO 2")

tokens = client.pipelined do |pipeline|
  10_000.times { |n| pipeline.call("RATE", "r#{n % 100}", "i#{n % 50 + 1}", n % 5 + 1) }
end
check(tokens.length == 10_000 && tokens.all? { |token| token =~ /\A\d+:\d+\z/ }, "10,000 tokens")

answers = client.multi do |transaction|
  transaction.call("RATE", "tx", "tea", 5)
  transaction.call("RATE", "tx", "rum", 1)
end
check(answers.length == 2, "EXEC answers both")
refused("EXECABORT") { client.call("MULTI"); client.call("NOSUCH") rescue nil; client.call("EXEC") }
refused("ERR COUNT is '-1'") { client.call("RECOMMEND", "r1", "COUNT", -1) }
big = "x" * (1 << 20)
check(client.echo(big) == big, "ECHO of 1 MiB")
check(client.info["redis_mode"] == "standalone", "INFO")
check(client.config(:get, "save") == { "save" => "" }, "CONFIG GET")

check(system(restart), "restart")
check(client.ping == "PONG", "PING after the restart")
puts "fine: redis-rb #{Redis::VERSION}, RESP 2"
puts "skipped: RESP 3, which redis-rb speaks from 5 on" if Redis::VERSION.to_i < 5
