/* Drives a daemon with hiredis. usage: hiredis_check SOCKET PASSWORD RESTART
 * RESTART is a program that restarts the daemon and returns once it answers. */
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                       \
    do {                                                                                       \
        if (!(condition)) {                                                                    \
            fprintf(stderr, "hiredis_check.c:%d: not so: %s\n", __LINE__, #condition);         \
            exit(1);                                                                           \
        }                                                                                      \
    } while (0)

enum { pipelineLength = 10000, pushBytes = 1 << 20 };

static redisReply *call(redisContext *client, const char *line) {
    redisReply *reply = redisCommand(client, line);
    if (!reply) fprintf(stderr, "%s: %s\n", line, client->errstr);
    CHECK(reply);
    return reply;
}

static void answers(redisContext *client, const char *line, int type, const char *start) {
    redisReply *reply = call(client, line);
    if (reply->type != type || strncmp(reply->str, start, strlen(start)) != 0)
        fprintf(stderr, "%s: type %d, '%s'\n", line, reply->type, reply->str ? reply->str : "");
    CHECK(reply->type == type && strncmp(reply->str, start, strlen(start)) == 0);
    freeReplyObject(reply);
}

static void enter(redisContext *client, int version, const char *password) {
    answers(client, "PING", REDIS_REPLY_ERROR, "NOAUTH");
    answers(client, "AUTH wrong", REDIS_REPLY_ERROR, "WRONGPASS");
    redisReply *hello = redisCommand(client, "HELLO %d AUTH default %s", version, password);
    CHECK(hello && hello->type != REDIS_REPLY_ERROR && hello->elements == 14);
    CHECK(hello->element[5]->type == REDIS_REPLY_INTEGER && hello->element[5]->integer == version);
    freeReplyObject(hello);
    answers(client, "PING", REDIS_REPLY_STATUS, "PONG");
}

static void feed(redisContext *client) {
    for (int n = 0; n < pipelineLength; n++)
        CHECK(redisAppendCommand(client, "RATE c%d i%d %d", n % 100, n % 50 + 1, n % 5 + 1) == REDIS_OK);
    for (int n = 0; n < pipelineLength; n++) {
        redisReply *token;
        CHECK(redisGetReply(client, (void **)&token) == REDIS_OK);
        CHECK(token->type == REDIS_REPLY_STRING && strchr(token->str, ':'));
        freeReplyObject(token);
    }
}

static void transact(redisContext *client) {
    answers(client, "MULTI", REDIS_REPLY_STATUS, "OK");
    answers(client, "RATE tx tea 5", REDIS_REPLY_STATUS, "QUEUED");
    answers(client, "RATE tx rum 1", REDIS_REPLY_STATUS, "QUEUED");
    redisReply *reply = call(client, "EXEC");
    CHECK(reply->type == REDIS_REPLY_ARRAY && reply->elements == 2);
    CHECK(reply->element[0]->type == REDIS_REPLY_STRING && reply->element[1]->type == REDIS_REPLY_STRING);
    freeReplyObject(reply);
    answers(client, "MULTI", REDIS_REPLY_STATUS, "OK");
    answers(client, "NOSUCH", REDIS_REPLY_ERROR, "ERR unknown command 'NOSUCH'");
    answers(client, "EXEC", REDIS_REPLY_ERROR, "EXECABORT");
}

static void push(redisContext *client) {
    char *bytes = malloc(pushBytes);
    memset(bytes, 'x', pushBytes);
    redisReply *reply = redisCommand(client, "ECHO %b", bytes, (size_t)pushBytes);
    CHECK(reply && reply->type == REDIS_REPLY_STRING && reply->len == pushBytes);
    CHECK(memcmp(reply->str, bytes, pushBytes) == 0);
    freeReplyObject(reply);
    free(bytes);
}

int main(int count, char **arguments) {
    CHECK(count == 4);
    signal(SIGPIPE, SIG_IGN);
    for (int version = 2; version <= (HIREDIS_MAJOR > 0 ? 3 : 2); version++) {
        redisContext *client = redisConnectUnix(arguments[1]);
        CHECK(client && !client->err);
        enter(client, version, arguments[2]);
        feed(client);
        transact(client);
        answers(client, "RECOMMEND c1 COUNT -1", REDIS_REPLY_ERROR, "ERR COUNT is '-1'");
        push(client);
        CHECK(system(arguments[3]) == 0);
        CHECK(!redisCommand(client, "PING") && client->err);
        CHECK(redisReconnect(client) == REDIS_OK);
        enter(client, version, arguments[2]);
        redisFree(client);
        printf("fine: hiredis %d.%d, RESP %d\n", HIREDIS_MAJOR, HIREDIS_MINOR, version);
    }
    if (HIREDIS_MAJOR == 0) printf("skipped: RESP 3, which hiredis reads from 1.0 on\n");
    return 0;
}
