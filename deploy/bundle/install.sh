#!/bin/sh
# Sets the camera registry up on a server without Internet, or brings one that is there to this version.
# Again and again the same: nothing that is there is lost. See README.md beside this file.
# usage: sh install.sh [--restore BACKUP [--key KEYFILE]]
#        sh install.sh --program-only      (the machine of a site, which pushes: no data, no service)
set -eu
umask 022
PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin  # the system's Python, whatever the caller's is
export PATH

here=$(cd "$(dirname "$0")" && pwd)
. "$here/bundle.env" # VERSION, PYTHON, MACHINE

account=camera-registry
programs=/opt/camera-registry
data=/var/lib/camera-registry
backups=/var/backups/camera-registry
etc=/etc/camera-registry
ours=$programs/$VERSION-py$PYTHON
needed_mb=900 # in /opt: 600 for the program, and room to turn round

say() { # in Vietnamese, in English
  printf '\n%s\n%s\n' "$1" "$2"
}

refuse() {
  say "KHÔNG CÀI ĐƯỢC: $1" "NOT INSTALLED: $2" >&2
  exit 1
}

restore='' key='' program_only=''
while [ $# -gt 0 ]; do
  case $1 in
    --restore) restore=${2:?--restore BACKUP} && shift 2 ;;
    --key) key=${2:?--key KEYFILE} && shift 2 ;;
    --program-only) program_only=yes && shift ;;
    *) refuse "không hiểu tham số $1" "unknown argument $1" ;;
  esac
done

# --- may it be installed here? ---------------------------------------------------------------------------

[ "$(id -u)" -eq 0 ] || refuse "hãy chạy với quyền root: sudo sh install.sh" "run it as root: sudo sh install.sh"
[ "$(uname -s) $(uname -m)" = "Linux $MACHINE" ] ||
  refuse "gói này dành cho Linux $MACHINE, máy này là $(uname -s) $(uname -m)" \
    "this bundle is for Linux $MACHINE, this machine is $(uname -s) $(uname -m)"

python=$(command -v "python$PYTHON" || true)
if [ -z "$python" ]; then
  there=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || echo '–')
  refuse "gói này cần Python $PYTHON, máy này có $there: hãy lấy gói py$(echo "$there" | tr -d .)" \
    "this bundle needs Python $PYTHON, this machine has $there: take the bundle py$(echo "$there" | tr -d .)"
fi

(cd "$here" && sha256sum --quiet --strict --check SHA256SUMS) ||
  refuse "gói bị hỏng khi chép: hãy chép lại" "the bundle was damaged on its way: copy it again"

for file in "$restore" "$key"; do
  [ -z "$file" ] || [ -r "$file" ] || refuse "không đọc được $file" "cannot read $file"
done
if [ -n "$restore" ] && [ -e "$data/registry.db" ]; then
  refuse "đã có sổ đăng ký trong $data: chỉ khôi phục vào chỗ trống" \
    "there is a registry in $data already: a backup is restored into an empty place only"
fi
if [ -n "$key" ] && [ -e "$data/credential.key" ] && ! cmp -s "$key" "$data/credential.key"; then
  refuse "đã có khóa $data/credential.key" "there is a key in $data/credential.key"
fi

mkdir -p "$programs"
free_mb=$(df -Pm "$programs" | awk 'NR == 2 { print $4 }')
[ -e "$ours/.complete" ] || [ "$free_mb" -ge "$needed_mb" ] ||
  refuse "cần $needed_mb MB trống trong $programs, chỉ còn $free_mb" \
    "$needed_mb MB are needed in $programs, $free_mb are free"

# --- the program -----------------------------------------------------------------------------------------

if [ ! -e "$ours/.complete" ]; then
  say "Đang cài chương trình vào $ours (khoảng một phút)." "Installing the program into $ours (about a minute)."
  rm -rf "$ours"
  "$python" -I -m venv --without-pip "$ours"
  pip=$(echo "$here"/wheelhouse/pip-*.whl)/pip
  env -i PATH="$PATH" LANG=C.UTF-8 HOME=/nonexistent "$ours/bin/python" -I "$pip" \
    --isolated --quiet --no-cache-dir --disable-pip-version-check --no-input \
    install --no-index --no-deps --require-hashes --root-user-action=ignore \
    --find-links "$here/wheelhouse" --requirement "$here/requirements.txt"
  touch "$ours/.complete"
fi
install -m 0644 "$here/README.md" "$here/LICENSE" "$here/NOTICE" "$here/CHANGELOG.md" "$programs/"
install -d -m 0755 "$programs/docs"
install -m 0644 "$here"/docs/*.md "$programs/docs/"

use_it() { # from now on
  ln -sfn "$ours" "$programs/current"
  ln -sfn current/bin "$programs/bin"
}

if [ -n "$program_only" ]; then
  use_it
  say "Xong: $programs/bin/camera-registry $VERSION." "Done: $programs/bin/camera-registry $VERSION."
  exit
fi

# --- the account and the folders ---------------------------------------------------------------------------

getent group "$account" >/dev/null || groupadd --system "$account"
getent passwd "$account" >/dev/null ||
  useradd --system --gid "$account" --home-dir "$data" --no-create-home --shell /usr/sbin/nologin "$account"
install -d -o "$account" -g "$account" -m 0700 "$data" "$backups"
install -d -o root -g "$account" -m 0750 "$etc"
for file in settings.toml serve.env; do
  [ -e "$etc/$file" ] || install -o root -g "$account" -m 0640 "$here/$file" "$etc/$file"
done

registry() { # the program of $1, as its account: what it writes must be the account's
  program=$1
  shift
  (cd "$data" && env -i PATH="$PATH" LANG=C.UTF-8 LOGNAME="${SUDO_USER:-root}" \
    CAMERA_REGISTRY_CONFIG="$etc/settings.toml" runuser -u "$account" -- "$program/bin/camera-registry" "$@")
}

# --- the data: kept, brought forward, or restored ------------------------------------------------------------

stopped='' room='' half=''

leave() { # however this ends: what was served is served again, by the program that is in use
  code=$?
  trap - EXIT
  [ -z "$room" ] || rm -rf "$room"
  [ -z "$half" ] || rm -f "$data"/registry.db*
  if [ -n "$stopped" ]; then
    systemctl start camera-registry || true
    say "Dịch vụ được khởi động lại như trước." "The service is started again, as it was before." >&2
  fi
  exit "$code"
}
trap leave EXIT
trap 'exit 1' HUP INT PIPE TERM

running() { [ -d /run/systemd/system ] && systemctl is-active --quiet camera-registry; }

if [ -e "$programs/current" ] && [ "$(readlink "$programs/current")" != "$ours" ]; then
  before=$backups/before-$VERSION-$(date +%Y%m%d-%H%M%S).zip
  say "Sao lưu trước khi nâng cấp: $before" "A backup before the upgrade: $before"
  registry "$programs/current" backup "$before"
fi

if running; then
  stopped=yes
  systemctl stop camera-registry
fi

if [ -n "$key" ] && ! cmp -s "$key" "$data/credential.key"; then
  install -o "$account" -g "$account" -m 0600 "$key" "$data/credential.key"
fi
if [ -n "$restore" ]; then
  # A copy that the account may read, in a folder of its own: a backup of the same name may be there.
  room=$(mktemp -d "$backups/.restore-XXXXXX")
  chown "$account:$account" "$room"
  install -o "$account" -g "$account" -m 0600 "$restore" "$room/"
  [ -e "$data/registry.db" ] || half=yes # what is made now would be in the way of the next try
  registry "$ours" restore "$room/$(basename "$restore")"
  half=''
  rm -r "$room"
  room=''
fi

new_key=no
[ -e "$data/credential.key" ] || new_key=yes
registry "$ours" prepare >/dev/null

use_it
cat >/usr/local/bin/camera-registry <<WRAPPER
#!/bin/sh
# camera-registry with the settings of this server, as the account that owns its data.
export CAMERA_REGISTRY_CONFIG=$etc/settings.toml
if [ "\$(id -u)" -eq 0 ]; then
  exec runuser -u $account -- $programs/bin/camera-registry "\$@"
fi
exec $programs/bin/camera-registry "\$@"
WRAPPER
chmod 0755 /usr/local/bin/camera-registry

# --- the service ----------------------------------------------------------------------------------------------

install -D -m 0644 "$here/camera-registry.service" /etc/systemd/system/camera-registry.service
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  systemctl enable --quiet camera-registry
  begun=$(date '+%Y-%m-%d %H:%M:%S')
  systemctl restart camera-registry
  stopped=''
  say "Dịch vụ camera-registry đã chạy: systemctl status camera-registry" \
    "The service camera-registry runs: systemctl status camera-registry"
  sleep 10 # a new registry says its first link once it serves
  systemctl is-active --quiet camera-registry ||
    refuse "dịch vụ không chạy được: journalctl -u camera-registry" "the service does not run: journalctl -u camera-registry"
  link=$(journalctl --unit camera-registry --since "$begun" --output cat | grep -o 'https\{0,1\}://[^ ]*/sign-in/link/[^ ]*' | tail -n 1 || true)
  [ -z "$link" ] || say "Quản trị viên đầu tiên vào bằng liên kết này, một lần, trong 24 giờ: $link" \
    "The first administrator comes in by this link, once, within 24 hours: $link"
else
  say "Máy này không chạy systemd. Khởi động bằng: camera-registry serve (lần đầu sẽ in liên kết cho quản trị viên)" \
    "There is no systemd here. Start it by: camera-registry serve (the first time it prints the administrator's link)"
fi

if [ "$new_key" = yes ]; then
  cat <<REMINDER

  ***************************************************************************************
  *  HÃY CHÉP KHÓA NGAY / COPY THE KEY NOW
  *
  *      $data/credential.key
  *
  *  Mất tệp này thì không mở được mật khẩu camera nào, kể cả từ bản sao lưu.
  *  Cất bản sao ở nơi khác với bản sao lưu (USB trong két, phong bì niêm phong).
  *
  *  Without this file no camera password can be opened, not even from a backup.
  *  Keep the copy in another place than the backups.
  ***************************************************************************************
REMINDER
fi

say "Xong: camera-registry $VERSION. Dữ liệu: $data. Đọc $programs/README.md." \
  "Done: camera-registry $VERSION. Data: $data. Read $programs/README.md."
