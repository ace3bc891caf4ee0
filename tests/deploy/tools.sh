# What the scripts of this folder share; to be sourced.

# Nothing is left behind in the repository.
export PYTHONDONTWRITEBYTECODE=1

# Makes a Python environment with the packages, or finds it from an earlier run, and puts its
# commands first on the path. Outside the repository, so that nothing of it is ever committed.
python_tools() { # name package==version...
  local folder
  folder="${XDG_CACHE_HOME:-$HOME/.cache}/leads-venv-$1-$(printf '%s\n' "${@:2}" | sha256sum | cut -c1-8)"
  if [ ! -e "$folder/complete" ]; then
    rm -rf "$folder"
    python3 -m venv "$folder"
    "$folder/bin/pip" install --quiet --disable-pip-version-check "${@:2}"
    touch "$folder/complete"
  fi
  export PATH="$folder/bin:$PATH"
}

AWS_TOOLS=(aws ministack==1.5.33 cfn-lint==1.58.0 aws-sam-translator==1.115.0 boto3==1.43.106)
AWS_CLI=(aws-cli awscli==1.46.3)
CARGO_LAMBDA=(cargo-lambda cargo-lambda==1.9.2)
MICROBURST=(microburst microburst==0.10.0)
SAM=(sam aws-sam-cli==1.170.0)
