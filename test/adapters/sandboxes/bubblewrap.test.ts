import assert from "node:assert/strict";
import { mkdir, readdir, readFile, symlink } from "node:fs/promises";
import { createServer } from "node:net";
import { once } from "node:events";
import { homedir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";

import { canary, handOver, missing, openProject, put, sh } from "./sandboxed.ts";

void suite("a command in the sandbox", { skip: missing, concurrency: 4 }, () => {
  void test("reads neither data, configuration, homes, other workspaces nor the system's secrets", async (t) => {
    const project = await openProject(t);
    const { folder, dataDir, home } = project;
    const secrets = await Promise.all(
      [
        join(folder, "duragent.yaml"),
        join(folder, ".env"),
        join(folder, "notes.txt"),
        join(dataDir, "policy.yaml"),
        join(dataDir, "server.json"),
        join(dataDir, "sessions/one/events.jsonl"),
        join(dataDir, "agents/me/policy.yaml"),
        join(dataDir, "agents/me/agent.yaml"),
        join(dataDir, "workspace/other/mine.txt"),
        join(dataDir, "artifacts/other/mine.txt"),
        join(home, ".ssh/id_ed25519"),
        join(home, ".duragent/auth.json"),
      ].map((path) => put(path, canary)),
    );
    const elsewhere = [
      "/etc/shadow",
      "/etc/ssl/private",
      "/root/.bashrc",
      "/proc/1/root/etc/shadow",
      "/var/log",
      "/sys/kernel",
      "/boot",
    ];
    const sandbox = await project.open();
    const asked = [...secrets, ...elsewhere, join(homedir(), ".bashrc"), join(dataDir, "server.sock")];
    const reads = asked.map((path) => `cat '${path}' 2>/dev/null && echo 'READ ${path}'; ls '${path}' 2>/dev/null`);
    const { stdout } = await sh(
      sandbox,
      project,
      `${reads.join("; ")}; grep -r ${canary} ${folder} /tmp /etc /run /var /dev/shm 2>/dev/null; env`,
    );
    assert.doesNotMatch(stdout, /READ/);
    assert.doesNotMatch(stdout, new RegExp(canary));
    assert.doesNotMatch(stdout, new RegExp(`^${folder}`, "m"));
    assert.match(stdout, new RegExp(`^HOME=${project.workspace}$`, "m"));
  });

  void test("writes its workspace and /tmp, and nothing else", async (t) => {
    const project = await openProject(t);
    const agentTool = await put(join(project.dataDir, "agents/me/tools/x/run"), "#!/bin/sh\n", 0o755);
    const sandbox = await project.open();
    // Opened to append, never written: were it possible, the machine would stay as it is.
    const targets = `/x /usr/x /usr/bin/env /etc/x /etc/passwd /dev/x /run/x /var/x /home/x ${agentTool} /proc/sys/kernel/core_pattern /proc/sys/vm/swappiness /proc/sysrq-trigger /proc/self/oom_adj/x`;
    const { stdout } = await sh(
      sandbox,
      project,
      `for path in ${targets.replaceAll(/\s+/g, " ")}; do (: >> $path) 2>/dev/null && echo "WROTE $path"; done; echo a > $HOME/a; echo b > /tmp/b-inside; cat ~/a /tmp/b-inside`,
      { readable: [join(project.dataDir, "agents/me/tools")] },
    );
    assert.equal(stdout, "a\nb\n");
    assert.equal(await readFile(join(project.workspace, "a"), "utf8"), "a\n");
    const made = "made-inside";
    // Where the project lies in /tmp itself, what is made beside the workspace is made in the private one.
    await sh(
      sandbox,
      project,
      `touch ${project.dataDir}/${made} ${project.dataDir}/workspace/${made} ${project.folder}/${made}`,
    );
    const there = await Promise.all(
      [project.dataDir, join(project.dataDir, "workspace"), project.folder, "/tmp"].map((path) => readdir(path)),
    );
    assert.deepEqual(
      there.flat().filter((name) => name === made || name === "b-inside"),
      [],
    );
    const again = await sh(sandbox, project, "ls /tmp | grep -x b-inside; cat a");
    assert.equal(again.stdout, "a\n");
  });

  void test("reaches no address, also none of this machine, unless the network is given to it", async (t) => {
    const project = await openProject(t);
    let connections = 0;
    const server = createServer((socket) => {
      connections += 1;
      socket.end("reached\n");
    }).listen(0, "127.0.0.1");
    t.after(() => server.close());
    await once(server, "listening");
    const address = server.address();
    assert.ok(typeof address === "object" && address !== null);
    const line = `exec 3<>/dev/tcp/127.0.0.1/${address.port} && cat <&3`;
    const closed = await sh(await project.open(), project, line);
    assert.notEqual(closed.code, 0);
    assert.equal(connections, 0);
    const open = await project.open({ network: true });
    assert.equal((await sh(open, project, line)).stdout, "reached\n");
    assert.match(open.inForce.join(), /network of this machine/);
  });

  void test("sees no other processes and has no rights of the superuser", async (t) => {
    const project = await openProject(t);
    const { stdout } = await sh(
      await project.open(),
      project,
      "ls /proc | grep -c '^[0-9]'; cat /proc/[0-9]*/environ | tr '\\0' '\\n'; grep CapEff /proc/self/status; kill -0 " +
        `${process.pid} && echo SEEN; exit 0`,
      { env: { SAID: "yes" } },
    );
    assert.ok(Number(stdout.split("\n")[0]) < 8, stdout);
    assert.match(stdout, /^CapEff:\t0+$/m);
    assert.doesNotMatch(stdout, new RegExp(`SEEN|${canary}`));
  });

  void test("gets its variables where no other user can read them", async (t) => {
    const project = await openProject(t);
    const sandbox = await project.open();
    const start = sandbox.confine({ argv: ["env"], cwd: "/tmp", env: { KEY: canary }, writable: [], readable: [] });
    assert.doesNotMatch(start.argv.join(" "), new RegExp(canary));
    assert.match((await sh(sandbox, project, "env", { env: { KEY: canary } })).stdout, new RegExp(`KEY=${canary}`));
  });

  void test("can not make the sandbox itself load a library of its choice", async (t) => {
    const project = await openProject(t);
    const sandbox = await project.open();
    const env = { LD_PRELOAD: join(project.workspace, "evil.so"), GLIBC_TUNABLES: "glibc.malloc.check=3", KEY: "k" };
    const start = sandbox.confine({ argv: ["true"], cwd: "/tmp", env, writable: [], readable: [] });
    assert.deepEqual(Object.keys(start.env).toSorted(), ["HOME", "KEY", "TMPDIR"]);
    const { stdout } = await sh(sandbox, project, "echo $LD_PRELOAD", { env });
    assert.equal(stdout, `${env.LD_PRELOAD}\n`);
  });

  void test("runs the programs of PATH where they are outside of the system, and sees nothing beside them", async (t) => {
    const project = await openProject(t);
    const { home, folder } = project;
    const version = join(home, ".local/share/tool/versions/1/tool");
    await put(version, "#!/bin/sh\necho tool 1\n", 0o755);
    await put(join(home, ".local/share/tool/token"), canary);
    await put(join(home, ".local/bin/plain"), "#!/bin/sh\necho plain\n", 0o755);
    await symlink("../share/tool/versions/1/tool", join(home, ".local/bin/tool"));
    await put(join(home, ".nvm/v24/lib/node_modules/pkg/cli.sh"), "#!/bin/sh\necho package\n", 0o755);
    await put(join(home, ".nvm/v24/secret"), canary);
    await mkdir(join(home, ".nvm/v24/bin"));
    await symlink("../lib/node_modules/pkg/cli.sh", join(home, ".nvm/v24/bin/pkg"));
    await put(join(folder, "node_modules/dep/cli.sh"), "#!/bin/sh\necho dep\n", 0o755);
    await mkdir(join(folder, "node_modules/.bin"));
    await symlink("../dep/cli.sh", join(folder, "node_modules/.bin/dep"));
    await put(join(home, "secret"), canary);
    const path = [
      `${folder}/node_modules/.bin`,
      `${home}/.local/bin`,
      `${home}/.nvm/v24/bin`,
      home,
      ".",
      `${process.env["PATH"]}`,
    ].join(":");
    const env = { ...project.env, PATH: path };
    const sandbox = await project.open({ env });
    const line = `plain; tool; pkg; dep; node -p '"node"'; cat ~/../../../home/secret ${home}/.nvm/v24/secret ${home}/.local/share/tool/token`;
    const { stdout, stderr } = await sh(sandbox, { ...project, env }, line);
    assert.equal(stdout, "plain\ntool 1\npackage\ndep\nnode\n", stderr);
  });

  void test("does not see what is hidden where it lies within the system", async (t) => {
    const project = await openProject(t);
    const hidden = { folders: ["/usr/share/doc"], files: ["/usr/lib/os-release"], holders: ["/usr"] };
    const sandbox = await project.open({ hidden });
    const { stdout } = await sh(sandbox, project, "ls /usr/share/doc; cat /usr/lib/os-release; ls -d /usr/share");
    assert.equal(stdout, "/usr/share\n");
  });

  void test("has limits, and a fork bomb of an ordinary user stops at them", async (t) => {
    const project = await openProject(t);
    const uid = process.getuid?.() === 0 ? 65_534 : undefined;
    if (uid !== undefined) await handOver(project, uid);
    const as = uid === undefined ? {} : { uid };
    const sandbox = await project.open({ isRoot: false, env: { PATH: "/usr/local/bin:/usr/bin:/bin" } });
    const shown = await sh(sandbox, project, "ulimit -n; ulimit -t; ulimit -c; ulimit -u", as);
    assert.equal(shown.stdout, "4096\n14400\n0\n512\n", shown.stderr);
    // dash gives up at once where bash would try again for seconds; bash then counts without starting anything.
    const bomb = "i=0; while [ $i -lt 900 ]; do sleep 30 & i=$((i + 1)); done";
    const { stdout } = await sh(sandbox, project, `sh -c '${bomb}' 2>/dev/null; set -- /proc/[0-9]*; echo $#`, as);
    const processes = Number(stdout.split("\n")[0]);
    assert.ok(processes > 400 && processes <= 513, `${processes} processes`);
    assert.match(sandbox.inForce.join(), /512 processes a call/);
  });

  void test("is under a memory limit of its own where systemd makes a scope for it", async (t) => {
    const project = await openProject(t);
    const bin = join(project.folder, "bin");
    // What systemd-run --scope does: it becomes the program, once the scope is there.
    const program = `#!/bin/sh\necho "$@" > ${project.folder}/asked\nwhile [ "$1" != -- ]; do shift; done; shift; exec "$@"\n`;
    await put(join(bin, "systemd-run"), program, 0o755);
    const env = { ...project.env, PATH: `${bin}:${process.env["PATH"]}`, XDG_RUNTIME_DIR: "/run/user/1" };
    const sandbox = await project.open({ env, systemdFolder: project.folder });
    assert.match(sandbox.inForce.join(), /4 GiB of memory, 512 processes a call/);
    assert.deepEqual(sandbox.warnings, []);
    const { stdout, stderr } = await sh(sandbox, { ...project, env }, "ulimit -v; env | grep XDG");
    assert.equal(stdout, "unlimited\n", stderr);
    assert.match(
      await readFile(join(project.folder, "asked"), "utf8"),
      /--scope --quiet --collect -p MemoryMax=4294967296/,
    );
  });

  void test("works with an older bubblewrap too, which can not bound /tmp", async (t) => {
    const project = await openProject(t);
    const bin = join(project.folder, "bin");
    const refuse = 'case "$1" in --size|--perms) echo "bwrap: Unknown option $1" >&2; exit 1;; esac';
    const real = `${process.env["PATH"]}`;
    await put(
      join(bin, "bwrap"),
      `#!/bin/bash\nfor one in "$@"; do set -- "$one" "$@"; ${refuse}; shift; done\nPATH='${real}' exec bwrap "$@"\n`,
      0o755,
    );
    const env = { ...project.env, PATH: `${bin}:${real}` };
    const sandbox = await project.open({ env });
    assert.equal(
      (await sh(sandbox, { ...project, env }, "touch /tmp/made-inside && ls /tmp/made-inside")).stdout,
      "/tmp/made-inside\n",
    );
  });
});
