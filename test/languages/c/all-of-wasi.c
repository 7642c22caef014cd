// Uses what programs use of WASI, and says what it saw. Each line of the result is one check that failed; `[]` is all well.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int failures = 0;
#define CHECK(what) do { if (!(what)) { printf("%s\"%d: " #what " (errno %d)\"", failures++ ? "," : "[", __LINE__, errno); } } while (0)

int main(int argc, char **argv) {
  CHECK(argc == 1 && strcmp(argv[0], "wasi.wasm") == 0);
  CHECK(getenv("COLOUR") != NULL && strcmp(getenv("COLOUR"), "blue") == 0);
  CHECK(strlen(getenv("PEERLESS_REQUEST_ID")) == 36);
  char event[64] = {0};
  CHECK(fread(event, 1, sizeof event, stdin) == 9 && strcmp(event, "{\"n\":123}") == 0);

  struct timespec before, after, pause = {0, 20000000};
  CHECK(clock_gettime(CLOCK_REALTIME, &before) == 0 && before.tv_sec > 1700000000);
  CHECK(clock_gettime(CLOCK_MONOTONIC, &before) == 0);
  CHECK(nanosleep(&pause, NULL) == 0);
  CHECK(clock_gettime(CLOCK_MONOTONIC, &after) == 0);
  long waited = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
  CHECK(waited >= 19);
  unsigned char random[32] = {0}, nothing[32] = {0};
  CHECK(getentropy(random, sizeof random) == 0 && memcmp(random, nothing, sizeof random) != 0);

  CHECK(mkdir("/tmp/folder", 0777) == 0 || errno == EEXIST);
  FILE *file = fopen("/tmp/folder/a", "w+");
  CHECK(file != NULL);
  CHECK(fputs("hello, world", file) >= 0 && fseek(file, 7, SEEK_SET) == 0);
  char word[8] = {0};
  CHECK(fread(word, 1, 7, file) == 5 && strcmp(word, "world") == 0 && feof(file));
  CHECK(fclose(file) == 0);
  file = fopen("/tmp/folder/a", "a");
  CHECK(file != NULL && fputs("!", file) >= 0 && fclose(file) == 0);
  struct stat about;
  CHECK(stat("/tmp/folder/a", &about) == 0 && about.st_size == 13 && S_ISREG(about.st_mode));
  CHECK(truncate("/tmp/folder/a", 5) == 0 && stat("/tmp/folder/a", &about) == 0 && about.st_size == 5);
  CHECK(rename("/tmp/folder/a", "/tmp/folder/b") == 0 && access("/tmp/folder/a", F_OK) != 0);
  DIR *folder = opendir("/tmp/folder");
  CHECK(folder != NULL);
  int entries = 0;
  for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) entries += strcmp(entry->d_name, "b") == 0;
  CHECK(entries == 1);
  closedir(folder);
  CHECK(rmdir("/tmp/folder") != 0 && errno == ENOTEMPTY);
  CHECK(unlink("/tmp/folder/b") == 0 && rmdir("/tmp/folder") == 0);

  char text[16] = {0};
  file = fopen("data/text.txt", "r");
  CHECK(file != NULL && fgets(text, sizeof text, file) != NULL && strcmp(text, "of the bundle\n") == 0);
  CHECK(access("/var/task/data/text.txt", R_OK) == 0);
  CHECK(open("/var/task/data/text.txt", O_WRONLY) < 0 && errno == EROFS);
  CHECK(open("/var/task/new", O_CREAT | O_WRONLY, 0666) < 0 && errno == EROFS);
  CHECK(open("/tmp/../../etc/passwd", O_RDONLY) < 0);
  CHECK(open("/etc/passwd", O_RDONLY) < 0);
  CHECK(open("/tmp/nothing", O_RDONLY) < 0 && errno == ENOENT);
  CHECK(close(77) < 0 && errno == EBADF);
  CHECK(lseek(0, 0, SEEK_CUR) < 0 && errno == ESPIPE);
  CHECK(!isatty(1));
  void *volatile much = malloc(40000000);
  CHECK(much != NULL);
  void *volatile huge = malloc(1000000000);
  CHECK(huge == NULL);
  printf(failures ? "]" : "[]");
  return 0;
}
