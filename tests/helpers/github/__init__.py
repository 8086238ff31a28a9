"""A stand-in for GitHub: its REST and GraphQL APIs and a real repository, over HTTP on loopback.

    with serving(folder, {"a.yaml": "a: 1\\n"}, clock.now) as github:
        token = github.token("robot", "fine-grained", {"contents": "write", "pull_requests": "write"}).value
        github.protect("main", approvals=1)
        # a client talks to github.url (REST, /api/v3), github.site (+ /api/graphql) and github.git_url
        github.person("alice").approve(1)
        github.fault("error", path="/pulls", times=2)
        assert [seen.path for seen in github.log if seen.is_write] == [...]

From the outside in: `server` (what tests use) with `people`, `faults` and `webhooks`; `handler` (HTTP, git); `api`,
`calls`, `rest_*` and `shapes*` (REST), `graphql*`; `openapi` (the check of both ways); `access` and `limits` (who may,
how often); `pulls` and `merging` (GitHub's rules); `repository`, `model` and `git` (what there is). `client` and
`stand` are for the tests of the stand-in and of forges.
"""
