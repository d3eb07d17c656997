"""A real WordPress for the tests: Debian's package, a MariaDB of its own, and PHP's web server."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

from conftest import free_port, wait_until

SOURCE = Path("/usr/share/wordpress")
THEME = SOURCE / "wp-content" / "themes" / "twentytwentythree"
PATH = f"{os.environ['PATH']}:/usr/sbin"
PROGRAMS = {"php": "php-cli", "mariadbd": "mariadb-server-core", "mariadb-install-db": "mariadb-server-core"}
ADMIN, PASSWORD = "ann", "long enough for WordPress"
CONFIGURATION = """<?php
define('DB_NAME', 'wordpress');
define('DB_USER', 'root');
define('DB_PASSWORD', '');
define('DB_HOST', 'localhost:{socket}');
define('DB_CHARSET', 'utf8mb4');
define('WP_HOME', '{url}');
define('WP_SITEURL', '{url}');
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('DISABLE_WP_CRON', true);
$table_prefix = 'wp_';
require_once ABSPATH . 'wp-settings.php';
"""
NO_WAITING = "<?php add_filter('comment_flood_filter', '__return_false');"
"""WordPress would have visitors with one address wait for 15 seconds between two comments."""
INSTALLATION = f"""
define('WP_INSTALLING', true);
require 'wp-load.php';
require 'wp-admin/includes/upgrade.php';
wp_install('Bread and Ovens', '{ADMIN}', 'ann@blog.example', true, '', '{PASSWORD}');
wp_delete_comment(1, true);
update_option('comment_previously_approved', 0);
update_option('show_avatars', 0);
"""


def missing() -> list[str]:
    """Name the packages of Debian that are needed and not installed."""
    packages = {package for program, package in PROGRAMS.items() if shutil.which(program, path=PATH) is None}
    if (
        "php-cli" not in packages
        and subprocess.run(["php", "-r", "exit((int) !extension_loaded('mysqli'));"]).returncode
    ):
        packages.add("php-mysql")
    if not THEME.is_dir():
        packages |= {"wordpress", "wordpress-theme-twentytwentythree"}
    return sorted(packages)


class WordPress:
    """A blog that shows comments at once, without posts."""

    def __init__(self, redirection: str) -> None:
        """Lay it out; ``redirection`` is the must-use plugin that sends Akismet's calls to Hamgate."""
        self._home = Path(tempfile.mkdtemp(prefix="hamgate-wordpress-", dir="/tmp"))
        self._site = self._home / "site"
        self._port = free_port()
        self._running: list[subprocess.Popen[bytes]] = []
        self.url = f"http://127.0.0.1:{self._port}"
        self._lay_out(redirection)

    def start(self) -> None:
        """Install it and wait until it answers."""
        self._start_database()
        self.php(INSTALLATION)
        self._start([*self._php, "-S", f"127.0.0.1:{self._port}"], PHP_CLI_SERVER_WORKERS="4")
        wait_until(self._answers)

    def redirect(self, redirection: str) -> None:
        """Send Akismet's calls where another must-use plugin says."""
        (self._site / "wp-content" / "mu-plugins" / "hamgate.php").write_text(redirection, encoding="utf-8")

    def use_akismet(self, plugin: Path, key: str, drops_blatant_spam: bool = False) -> None:
        """Install the Akismet plugin that is in a folder, instead of the one before, give it a key, and activate it."""
        installed = self._site / "wp-content" / "plugins" / "akismet"
        shutil.rmtree(installed)
        shutil.copytree(plugin, installed)
        self.inside(
            f"update_option('wordpress_api_key', '{key}');"
            f"update_option('akismet_strictness', '{int(drops_blatant_spam)}');"
            "require 'wp-admin/includes/plugin.php';"
            "activate_plugin('akismet/akismet.php');"
        )

    def add_post(self, title: str) -> str:
        """Publish a post, and return its address."""
        texts = f"'post_title' => '{title}', 'post_content' => 'Knead it well.'"
        post = f"[{texts}, 'post_status' => 'publish', 'post_author' => 1]"
        return self.inside(f"echo get_permalink(wp_insert_post({post}));")

    def newest_comment(self) -> tuple[str, str]:
        """Return the content and the status of the comment that was posted last."""
        newest = "get_comments(['status' => 'any', 'number' => 1, 'orderby' => 'comment_ID'])[0]"
        content, status = json.loads(
            self.inside(f"$one = {newest}; echo json_encode([$one->comment_content, $one->comment_approved]);")
        )
        return content, status

    def inside(self, code: str) -> str:
        """Run code in WordPress, and return what it prints."""
        return self.php(f"require 'wp-load.php'; {code}")

    def php(self, code: str) -> str:
        """Run code in the site's folder, and return what it prints."""
        command = [*self._php, "-r", f"$_SERVER['HTTP_HOST'] = '127.0.0.1:{self._port}'; {code}"]
        done = subprocess.run(command, cwd=self._site, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def remove(self) -> None:
        """Stop all of it and remove what it kept."""
        for process in reversed(self._running):
            os.killpg(process.pid, signal.SIGTERM)  # PHP leaves its workers behind
            process.wait(timeout=30)
        shutil.rmtree(self._home)

    @property
    def _php(self) -> list[str]:
        settings = ("sendmail_path=/bin/true", "display_errors=stderr", "opcache.revalidate_freq=0")
        return ["php", *(word for setting in settings for word in ("-d", setting))]

    @property
    def _socket(self) -> Path:
        return self._home / "database" / "socket"

    def _lay_out(self, redirection: str) -> None:
        shutil.copytree(SOURCE, self._site, ignore_dangling_symlinks=True)
        configuration = CONFIGURATION.format(socket=self._socket, url=self.url)
        (self._site / "wp-config.php").write_text(configuration, encoding="utf-8")
        must_use = self._site / "wp-content" / "mu-plugins"
        must_use.mkdir()
        self.redirect(redirection)
        (must_use / "no-waiting.php").write_text(NO_WAITING, encoding="utf-8")

    def _start_database(self) -> None:
        self._socket.parent.mkdir()
        options = ["--no-defaults", f"--datadir={self._socket.parent / 'files'}"]
        if os.geteuid() == 0:
            self._home.chmod(0o755)
            shutil.chown(self._socket.parent, "nobody")
            options.append("--user=nobody")
        making = ["mariadb-install-db", *options, "--auth-root-authentication-method=normal", "--skip-test-db"]
        done = subprocess.run(making, capture_output=True, text=True, check=False, cwd=self._home)
        assert done.returncode == 0, done.stdout + done.stderr
        serving = [f"--socket={self._socket}", "--skip-networking", "--innodb-flush-log-at-trx-commit=0"]
        self._start([shutil.which("mariadbd", path=PATH) or "", *options, *serving])
        wait_until(self._socket.exists)
        self.php(f"(new mysqli('localhost', 'root', '', '', 0, '{self._socket}'))->query('CREATE DATABASE wordpress');")

    def _start(self, command: list[str], **environment: str) -> None:
        with (self._home / "log").open("ab") as log:
            started = subprocess.Popen(
                command,
                cwd=self._site,
                env=os.environ | environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running.append(started)

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._port), timeout=10).close()
        except OSError:
            return False
        return True
