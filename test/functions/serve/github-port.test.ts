// actions/runner, configured with a token, asks GitHub at its host's usual port, whatever the URL says.
import { expect, test } from "vitest";
import { githubPortRemark } from "../../../functions/serve/start-faults.ts";

test.each(["https://ghes.example.org:8443/api/v3", "http://ghes.example.org:8080/api/v3"])(
  "%s: what to change is said at the start",
  (url) => {
    expect(githubPortRemark(url)).toMatch(/drops the port.*asks ghes\.example\.org\. .*registration: jit/);
  },
);

test.each([
  "https://api.github.com",
  "https://ghes.example.org/api/v3",
  "https://ghes.example.org:443/api/v3",
  "http://127.0.0.1:3000",
])("%s is right as it is", (url) => {
  expect(githubPortRemark(url)).toBeUndefined();
});
