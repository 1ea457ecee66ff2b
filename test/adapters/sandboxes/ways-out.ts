/** A project's places, as a command of an agent might guess them. */
export type Places = { folder: string; dataDir: string; port: number; serverPid: number };

/**
 * Ways for a command to change the rules that hold it, or to read what it must not: each a line of shell. Add to it
 * whatever comes to mind; none may change a file outside of the workspace, reach the API, or end the server.
 */
export const waysOut: Readonly<Record<string, (at: Places) => string>> = {
  "write the agent's policy": ({ dataDir }) => `echo 'mode: allow' > ${dataDir}/agents/me/policy.yaml`,
  "append to the shared policy": ({ dataDir }) => `echo 'mode: allow' >> ${dataDir}/policy.yaml`,
  "add what always allow keeps": ({ dataDir }) => `echo 'allow: ["*:*"]' > ${dataDir}/agents/me/policy.local.yaml`,
  "go up from the workspace": () => "cd ../.. && echo x > agents/me/policy.yaml",
  "remove the policy": ({ dataDir }) => `rm -rf ${dataDir}/agents/me/policy.yaml ${dataDir}/policy.yaml`,
  "move the folder of the agents away": ({ dataDir }) => `mv ${dataDir}/agents ${dataDir}/workspace/me/agents`,
  "move the workspace itself": ({ dataDir }) =>
    `cd / && mv ${dataDir}/workspace/me ${dataDir}/workspace/old; ln -s ${dataDir}/agents ${dataDir}/workspace/me`,
  "edit the prompt": ({ dataDir }) => `sed -i s/canary/x/ ${dataDir}/agents/me/SOUL.md`,
  "edit agent.yaml": ({ dataDir }) => `perl -pi -e 's/./x/' ${dataDir}/agents/me/agent.yaml`,
  "change a tool of its own, which it may read": ({ dataDir }) => `echo 'evil' > ${dataDir}/agents/me/tools/hello/run`,
  "change the mode of a tool": ({ dataDir }) => `chmod 777 ${dataDir}/agents/me/tools/hello/run`,
  "plant a shared tool": ({ dataDir }) => `mkdir -p ${dataDir}/tools/evil && echo x > ${dataDir}/tools/evil/run`,
  "write the configuration": ({ folder }) => `echo 'sandbox: {mode: none}' > ${folder}/duragent.yaml`,
  "write the server's variables": ({ folder }) => `echo 'LD_PRELOAD=/x' >> ${folder}/.env`,
  "write a session's log": ({ dataDir }) => `echo '{}' >> ${dataDir}/sessions/one/events.jsonl`,
  "another agent's workspace": ({ dataDir }) => `echo x > ${dataDir}/workspace/other/mine.txt`,
  "a link in the workspace to the policy": ({ dataDir }) =>
    `ln -sf ${dataDir}/agents/me/policy.yaml link; echo x > link; cat link`,
  "a hard link in the workspace to the policy": ({ dataDir }) =>
    `ln ${dataDir}/agents/me/policy.yaml hard && echo x > hard`,
  "through the root of the first process": ({ dataDir }) => `echo x > /proc/1/root${dataDir}/policy.yaml`,
  "through the working folder of the server": ({ serverPid }) =>
    `echo x > /proc/${serverPid}/cwd/.duragent/policy.yaml`,
  "through a descriptor that was left open": ({ dataDir }) =>
    `for fd in /proc/[0-9]*/fd/*; do case $(readlink $fd) in ${dataDir}/[!w]*) echo x > $fd;; esac; done`,
  "take a mount away in namespaces of its own": ({ dataDir }) =>
    `unshare -Urm sh -c 'umount -l ${dataDir}/workspace/me; umount -l /proc/sys; umount -l /; echo x > ${dataDir}/policy.yaml'`,
  "mount writable what is read-only": ({ dataDir }) =>
    `unshare -Urm sh -c 'mount -o remount,rw ${dataDir}/agents/me/tools; echo x > ${dataDir}/agents/me/tools/hello/run'`,
  "enter the namespaces of the first process": ({ dataDir }) =>
    `nsenter -t 1 -a sh -c 'echo x > ${dataDir}/policy.yaml'`,
  "leave by chroot": ({ dataDir }) =>
    `unshare -Ur sh -c 'mkdir j; chroot j true; cd ../../..; chroot . sh -c "echo x > ${dataDir}/policy.yaml"'`,
  "make a device of the disk": () => "mknod disk b 8 0 && head -c 1 disk && echo READ",
  "a program with the bit of the superuser": ({ dataDir }) =>
    `cp $(which sh) s && chmod u+s s && ./s -p -c 'echo x > ${dataDir}/policy.yaml'; su -c 'echo x > ${dataDir}/policy.yaml'`,
  "end the server": ({ serverPid }) => `kill -9 ${serverPid}`,
  "trace the server": ({ serverPid }) =>
    `python3 -c "import ctypes; print(ctypes.CDLL(None).ptrace(16, ${serverPid}, 0, 0))" | grep -x 0 && echo READ`,
  "read the server's variables": ({ serverPid }) =>
    `tr '\\0' '\\n' < /proc/${serverPid}/environ | grep KEY && echo READ`,
  "ask the API": ({ port }) =>
    `exec 3<>/dev/tcp/127.0.0.1/${port} && printf 'PUT /api/admin/v1/agents/me HTTP/1.1\\r\\n\\r\\n' >&3; curl -s http://localhost:${port}/`,
  "ask the API by every name of this machine": ({ port }) =>
    `for host in 127.0.0.1 127.1.1.1 localhost 0.0.0.0 ::1 $(hostname); do (exec 3<>/dev/tcp/$host/${port}) 2>/dev/null; done`,
  "ask the socket": ({ dataDir }) =>
    `python3 -c "import socket; s = socket.socket(socket.AF_UNIX); s.connect('${dataDir}/server.sock')"`,
  "leave a program behind that tries again": ({ dataDir }) =>
    `(setsid sh -c 'sleep 0.2; echo x > ${dataDir}/policy.yaml' &) ; crontab -l; at now`,
  // Opened, never written: a test that fails leaves the machine as it was.
  "a start-up file of the user": () =>
    "for file in /root/.bashrc /home/.bashrc /etc/profile /etc/passwd; do : >> $file && echo READ; done",
  "settings of the kernel": () =>
    "for file in /proc/sys/kernel/core_pattern /proc/sysrq-trigger; do : >> $file && echo READ; done",
  "programs that the server runs": () =>
    'for name in bwrap bash node git; do : >> "$(command -v $name)" && echo READ; done',
  "a variable for the loader": ({ dataDir }) => `LD_PRELOAD=./evil.so bash -c 'echo x > ${dataDir}/policy.yaml'`,
};
