// A WASI command: the event comes on standard input, what is printed is the result, standard error is the log.
#include <stdio.h>
#include <string.h>

int main(void) {
  char event[4096];
  size_t length = fread(event, 1, sizeof event - 1, stdin);
  event[length] = 0;
  int words = 0;
  for (char *at = strtok(event, " \t\n\"{}:,"); at != NULL; at = strtok(NULL, " \t\n\"{}:,")) words++;
  fprintf(stderr, "read %zu bytes\n", length);
  printf("{\"bytes\": %zu, \"words\": %d}\n", length, words);
  return 0;
}
